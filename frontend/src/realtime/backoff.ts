/** Waiting times between attempts, in milliseconds. */
const FIRST = 500;
const LONGEST = 30_000;

/**
 * Exponential with equal jitter: half the step is certain, half is random, so that thousands of
 * browsers dropped by one restart do not come back in one instant.
 */
export function backoff(failures: number, random: () => number = Math.random): number {
  const step = Math.min(LONGEST, FIRST * 2 ** Math.max(0, failures - 1));
  return step / 2 + (step / 2) * random();
}

/** Resolves early, without complaint, when the signal aborts: the caller looks at the signal. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
