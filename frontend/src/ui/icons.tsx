import type { ReactNode } from "react";

/** Outlines on a 24-unit grid, 1.6 wide: drawn as one family. */
const SHAPES = {
  image: <><rect x="3.5" y="4.5" width="17" height="15" rx="2.5" /><circle cx="9" cy="10" r="1.6" /><path d="m4 17 5-4.5 3.5 3 3-2.5 4.5 4" /></>,
  pen: <><path d="M4 20l1.2-4.6L16.4 4.2a1.7 1.7 0 0 1 2.4 0l1 1a1.7 1.7 0 0 1 0 2.4L8.6 18.8 4 20Z" /><path d="m14.5 6.1 3.4 3.4" /></>,
  sparkles: <><path d="M11 4.5 12.8 10l5.5 1.8-5.5 1.8L11 19l-1.8-5.4-5.5-1.8L9.2 10 11 4.500Z" /><path d="M18.5 3.500v4M16.5 5.500h4" /></>,
  chat: <><path d="M4 6.500A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.500v7a2.5 2.5 0 0 1-2.5 2.500H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.500v-7Z" /><path d="M8.5 9h7M8.5 12h4.5" /></>,
  wand: <><path d="m4 20 10.5-10.5" /><path d="m12.5 7.5 4 4" /><path d="M17.5 2.800v3.400M15.8 4.500h3.400M20 9.800v2.600M18.7 11.100h2.600M9.5 3.700v2.600M8.2 5h2.6" /></>,
  document: <><path d="M6 3.500h8l4.5 4.500v12.500H6V3.500Z" /><path d="M13.5 3.800V8.500h4.700M9 12.500h6.500M9 16h6.5" /></>,
  grid: <><rect x="4" y="4" width="6.5" height="6.5" rx="1.5" /><rect x="13.5" y="4" width="6.5" height="6.5" rx="1.5" /><rect x="4" y="13.5" width="6.5" height="6.5" rx="1.5" /><rect x="13.5" y="13.5" width="6.5" height="6.5" rx="1.5" /></>,
  camera: <><path d="M4 8.500A1.5 1.5 0 0 1 5.5 7H8l1.5-2.500h5L16 7h2.500A1.5 1.5 0 0 1 20 8.500v9a1.5 1.5 0 0 1-1.5 1.500h-13A1.5 1.5 0 0 1 4 17.500v-9Z" /><circle cx="12" cy="13" r="3.4" /></>,
  layers: <><path d="m12 3.5 8.5 4.700L12 13 3.5 8.2 12 3.500Z" /><path d="m3.5 12.2 8.5 4.8 8.5-4.800M3.5 16.2 12 21l8.5-4.8" /></>,
  bolt: <path d="M13.5 3 5 13.500h6L10.5 21 19 10.500h-6L13.5 3Z" />,
  plus: <path d="M12 5v14M5 12h14" />,
  minus: <path d="M5 12h14" />,
  close: <path d="m6 6 12 12M18 6 6 18" />,
  check: <path d="m5 12.5 4.5 4.500L19 7.5" />,
  alert: <><path d="M12 4 2.8 19.500h18.400L12 4Z" /><path d="M12 10v4.500M12 17v.1" /></>,
  info: <><circle cx="12" cy="12" r="8.5" /><path d="M12 11v5M12 8v.1" /></>,
  back: <path d="M19 12H5m6-6.500L4.5 12l6.5 6.5" />,
  forward: <path d="M5 12h14m-6-6.5 6.5 6.5-6.5 6.5" />,
  up: <path d="m6 14.5 6-6 6 6" />,
  down: <path d="m6 9.5 6 6 6-6" />,
  download: <path d="M12 4v11m-4.5-4.500L12 15l4.5-4.500M4.5 19.500h15" />,
  upload: <path d="M12 16V5M7.5 9.5 12 5l4.5 4.500M4.5 19.500h15" />,
  copy: <><rect x="8.5" y="8.5" width="11" height="11" rx="2" /><path d="M15.5 5.500a1 1 0 0 0-1-1h-9a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1" /></>,
  repeat: <path d="M4.5 11a7.5 7.5 0 0 1 13-4.500L20 9m0-5v5h-5M19.5 13a7.5 7.5 0 0 1-13 4.500L4 15m0 5v-5h5" />,
  clock: <><circle cx="12" cy="12" r="8.5" /><path d="M12 7.500V12l3 2" /></>,
  coin: <><circle cx="12" cy="12" r="8.5" /><path d="M9 15V9h3.200a2 2 0 0 1 0 4H9" /></>,
  user: <><circle cx="12" cy="8.5" r="4" /><path d="M4.5 20c.8-3.8 3.7-6 7.5-6s6.7 2.2 7.5 6" /></>,
  sun: <><circle cx="12" cy="12" r="4" /><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.400M18.4 5.6 17 7M7 17l-1.4 1.4" /></>,
  moon: <path d="M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10Z" />,
  auto: <><circle cx="12" cy="12" r="8.5" /><path d="M12 3.500v17a8.5 8.5 0 0 0 0-17Z" fill="currentColor" stroke="none" /></>,
  language: <><circle cx="12" cy="12" r="8.5" /><path d="M3.5 12h17M12 3.500c2.5 2.5 3.5 5.3 3.5 8.500s-1 6-3.5 8.500c-2.5-2.5-3.5-5.3-3.5-8.500s1-6 3.5-8.500Z" /></>,
  signOut: <path d="M14 4.500H6A1.5 1.5 0 0 0 4.5 6v12A1.5 1.5 0 0 0 6 19.500h8M10 12h10.500m-4-4 4 4-4 4" />,
  compare: <><rect x="3.5" y="5.5" width="17" height="13" rx="2" /><path d="M12 3v18" /></>,
  split: <path d="M12 4v4m0 0-5 4v4m5-8 5 4v4m-10 0v4m10-4v4" />,
  flag: <path d="M6 21V4.500h11l-2.5 4 2.5 4H6" />,
  play: <path d="M7.5 5v14l11-7-11-7Z" />,
  globe: <><circle cx="12" cy="12" r="8.5" /><path d="M3.5 12h17M12 3.500c5 5 5 12 0 17M12 3.500c-5 5-5 12 0 17" /></>,
  book: <><path d="M5 5.500A2 2 0 0 1 7 3.500h12v14H7a2 2 0 0 0-2 2v-14Z" /><path d="M5 19.500a1.5 1.5 0 0 0 1.5 1.500H19v-3.5" /></>,
  tool: <path d="M14.5 6.500a4 4 0 0 1 5-1l-2.7 2.7 1 1 2.7-2.700a4 4 0 0 1-5.4 5L8 18.600a2 2 0 0 1-2.8-2.800L12.3 8.700a4 4 0 0 1 2.2-2.200Z" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {SHAPES[name]}
    </svg>
  );
}

const FEATURE_ICONS = new Set(["image", "pen", "sparkles", "chat", "wand", "document", "grid", "camera", "layers", "bolt"]);

/** An operator may write any word; one that is not in the set becomes sparkles. */
export function featureIcon(name: string): IconName {
  return FEATURE_ICONS.has(name) ? (name as IconName) : "sparkles";
}
