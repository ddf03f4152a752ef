import { useCallback, useEffect, useRef, useState } from "react";
import type { PromptApi } from "./api";
import { IDLE, isOpen, runTrial, type Trial } from "./trial";
import type { ChatRequest } from "./types";

export interface Trials {
  trials: Trial[];
  running: boolean;
  run: (requests: ChatRequest[]) => Promise<Trial[]>;
  stop: () => void;
}

/** Up to two answers at a time, side by side. A new run ends the one before it; leaving the page ends all. */
export function useTrials(api: PromptApi): Trials {
  const [trials, setTrials] = useState<Trial[]>([IDLE]);
  const current = useRef<AbortController | null>(null);
  const stop = useCallback(() => current.current?.abort(), []);
  useEffect(() => stop, [stop]);

  const run = useCallback((requests: ChatRequest[]) => {
    current.current?.abort();
    const controller = new AbortController();
    current.current = controller;
    const latest: Trial[] = requests.map(() => IDLE);
    const show = framed(() => current.current === controller && setTrials([...latest]));
    return Promise.all(requests.map((request, at) => runTrial({
      open: (signal) => api.chat(request, signal),
      signal: controller.signal,
      onChange: (trial) => {
        latest[at] = trial;
        show();
      },
    })));
  }, [api]);

  return { trials, running: trials.some(isOpen), run, stop };
}

/** At most once per painted frame, however fast the words come; a page in the background paints none and is told by a timer. */
function framed(work: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const go = () => {
      waiting = false;
      work();
    };
    if (document.hidden) setTimeout(go, 100);
    else requestAnimationFrame(go);
  };
}
