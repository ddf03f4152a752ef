import { say } from "./words";

const MAC = /Mac|iP(hone|ad)/.test(navigator.userAgent);

const KEYS = [
  ["keys.complete", "Ctrl Space"],
  ["keys.next", "F8"],
  ["keys.all", "F1"],
  ["keys.tab", MAC ? "Ctrl Shift M" : "Ctrl M"],
] as const;

/** The keys that nobody guesses; above all the one that lets Tab out of the editor. */
export function KeyHints() {
  return (
    <dl className="pe-keys" aria-label={say("keys.title")}>
      {KEYS.map(([word, keys]) => (
        <div key={word}>
          <dt>{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt>
          <dd>{say(word)}</dd>
        </div>
      ))}
    </dl>
  );
}
