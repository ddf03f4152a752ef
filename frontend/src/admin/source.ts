import { useEffect, useState } from "react";

/** The JSON of Django's `json_script`, or null when it is missing or broken. */
export function readSource(id: string | undefined): unknown {
  try {
    return JSON.parse(document.getElementById(id ?? "")?.textContent ?? "null");
  } catch {
    return null;
  }
}

export interface LiveJson {
  /** The last text that could be read, or undefined while nothing has been typed. */
  value: unknown;
  broken: boolean;
}

/** Follows a textarea of the page as it is typed in. Half-typed JSON keeps the last whole one. */
export function useLiveJson(id: string): LiveJson {
  const [state, setState] = useState<LiveJson>({ value: undefined, broken: false });
  useEffect(() => {
    const area = document.getElementById(id) as HTMLTextAreaElement | null;
    const read = () => setState((old) => parse(area?.value ?? "", old));
    area?.addEventListener("input", read);
    // What was typed while this was still being loaded, or what the browser has put back.
    if (area && area.value !== area.defaultValue) read();
    return () => area?.removeEventListener("input", read);
  }, [id]);
  return state;
}

function parse(text: string, old: LiveJson): LiveJson {
  try {
    return { value: JSON.parse(text || "{}") as unknown, broken: false };
  } catch {
    return { ...old, broken: true };
  }
}
