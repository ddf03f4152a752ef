import { currentLanguage } from "./language";
import { translate } from "./translate";

const tag = () => (currentLanguage() === "zh-hans" ? "zh-Hans-CN" : "en-GB");

export const formatNumber = (value: number) => new Intl.NumberFormat(tag()).format(value);

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "kB"] : [bytes / 1024 ** 2, "MB"];
  return `${new Intl.NumberFormat(tag(), { maximumFractionDigits: 1 }).format(value)} ${unit}`;
}

export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return translate("time.ms", { n: Math.round(milliseconds) });
  if (seconds < 60) return translate("time.s", { n: seconds.toFixed(seconds < 10 ? 1 : 0) });
  return translate("time.min", { m: Math.floor(seconds / 60), s: Math.round(seconds % 60) });
}

/** Day and time; the year only where it is not this one. */
export function formatMoment(iso: string): string {
  const moment = new Date(iso);
  const year = moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(tag(), { day: "numeric", month: "short", year, hour: "2-digit", minute: "2-digit" }).format(moment);
}

export function formatSize(width: number | null, height: number | null): string {
  return width && height ? `${formatNumber(width)} × ${formatNumber(height)} px` : "";
}
