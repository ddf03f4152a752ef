import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatNumber } from "../../i18n/format";
import { segmentsOf } from "./origins";
import { includedIn } from "./scan";
import type { Preview } from "./types";
import type { Previewed } from "./usePreview";
import { formatCost, say, sayExpected, sayType } from "./words";

interface Props {
  previewed: Previewed;
  texts: { system: string; body: string };
  onGive: (name: string) => void;
}

/** What a model would be sent, with the test values. */
export function PreviewPane({ previewed, texts, onGive }: Props) {
  const { answer, error, busy } = previewed;
  return (
    <div className="pe-preview" aria-busy={busy} data-testid="preview">
      {error && <ErrorNotice error={error} />}
      {answer && <Values answer={answer} onGive={onGive} />}
      {answer && <Rendered answer={answer} name="system" />}
      {answer && <Rendered answer={answer} name="body" />}
      <Included keys={[...new Set([...includedIn(texts.system), ...includedIn(texts.body)])]} />
      <p className="pe-preview__foot" role="status">
        {answer ? <Figures answer={answer} /> : busy && say("preview.waiting")}
      </p>
    </div>
  );
}

function Values({ answer, onGive }: { answer: Preview; onGive: (name: string) => void }) {
  if (answer.missingVars.length === 0 && answer.mistyped.length === 0) return null;
  return (
    <ul className="pe-gaps" data-testid="gaps">
      {answer.missingVars.map((name) => (
        <li key={name}>
          <button type="button" className="pe-gap" title={say("preview.give", { name })} onClick={() => onGive(name)}>
            {say("preview.missing", { names: name })}
          </button>
        </li>
      ))}
      {answer.mistyped.map(({ name, expected, given }) => (
        <li key={name}>
          <button type="button" className="pe-gap" onClick={() => onGive(name)}>
            {say("preview.mistyped", { name, expected: sayExpected(expected), given: sayType(given) })}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Rendered({ answer, name }: { answer: Preview; name: "system" | "body" }) {
  const segments = segmentsOf(answer[name], answer.origins.filter((origin) => origin.field === name));
  if (name === "system" && segments.length === 0) return null;
  return (
    <section className="pe-message" data-role={name}>
      <h4>{say(name === "system" ? "preview.system" : "preview.user")}</h4>
      <pre tabIndex={0} aria-label={say(name === "system" ? "preview.system" : "preview.user")} data-testid={`rendered-${name}`}>
        {segments.length === 0 && <span className="pe-faint">{say("preview.empty")}</span>}
        {segments.map(({ text, from }, index) =>
          from.length === 0 ? text : <mark key={index} title={from.map((key) => say("preview.origin", { key })).join(" › ")} data-from={from.at(-1)}>{text}</mark>,
        )}
      </pre>
    </section>
  );
}

function Included({ keys }: { keys: string[] }) {
  if (keys.length === 0) return null;
  return (
    <p className="pe-included">
      {say("preview.included")} {keys.map((key) => <code key={key} className="pe-chip">{key}</code>)}
    </p>
  );
}

function Figures({ answer: { tokens, price } }: { answer: Preview }) {
  return (
    <>
      <b>{say("preview.tokens", { n: formatNumber(tokens.total) })}</b> <span className="pe-faint">{say("preview.estimate")}</span>
      {price && <> · {say("preview.price", { price: formatCost(price.input_micro), model: price.model })}</>}
    </>
  );
}
