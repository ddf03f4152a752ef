import { useEffect, useRef, useState } from "react";
import type { PromptApi } from "./api";
import type { Setup } from "./monaco/load";
import { registerHints } from "./monaco/hints";
import type { Variable, Words } from "./types";

/** Filters, tags and prompts to complete; without them the variables are still completed. */
export function useWords(api: PromptApi): Words | null {
  const [words, setWords] = useState<Words | null>(null);
  useEffect(() => {
    let current = true;
    api.words().then((found) => current && setWords(found), () => {});
    return () => {
      current = false;
    };
  }, [api]);
  return words;
}

export function useHints(setup: Setup, variables: Variable[], words: Words | null, key: string | null): void {
  const known = useRef({ variables, words });
  useEffect(() => {
    known.current = { variables, words };
  });
  useEffect(
    () => registerHints(setup.monaco, { key, variables: () => known.current.variables, words: () => known.current.words }),
    [setup, key],
  );
}
