import { useRef } from "react";
import type { FileInfo } from "../../api/types";

/** Asks for new links once when a picture does not load; a second failure is not the link's fault. */
export function FreshImage({ file, alt, onStale, className }: { file: FileInfo; alt: string; onStale: () => void; className?: string }) {
  const asked = useRef(false);
  const stale = () => {
    if (asked.current) return;
    asked.current = true;
    onStale();
  };
  return <img className={className} src={file.url} alt={alt} width={file.width ?? undefined} height={file.height ?? undefined} onError={stale} />;
}
