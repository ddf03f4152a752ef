import { useState } from "react";
import { Button } from "../../../ui/Button";
import { useStore } from "../../../ui/store";
import { useDesk } from "../desk";
import { Dialog } from "../parts/Dialogs";
import type { Choice } from "../state/merge";
import type { Json } from "../types";
import { say } from "../words";

/** Two people changed the same thing: what both wrote stands side by side, and one of each pair is chosen. */
export function MergeDialog() {
  const desk = useDesk();
  const { conflict } = useStore(desk.saver.store);
  const [chosen, setChosen] = useState<Record<string, Choice>>({});
  if (!conflict) return null;
  const all = (choice: Choice) => setChosen(Object.fromEntries(conflict.conflicts.map((one) => [one.path, choice])));
  return (
    <Dialog label={say("merge.title", { by: conflict.by ?? say("versions.nobody") })} wide>
      <p>{say("merge.hint")}</p>
      <div className="fe-merge">
        {conflict.conflicts.map((one) => (
          <fieldset key={one.path}>
            <legend><code>{one.path}</code></legend>
            {(["mine", "theirs"] as const).map((side) => (
              <label key={side}>
                <span><input type="radio" name={one.path} aria-label={say(`merge.${side}`)} checked={(chosen[one.path] ?? "mine") === side} onChange={() => setChosen({ ...chosen, [one.path]: side })} />{say(`merge.${side}`)}</span>
                <pre>{written(one[side])}</pre>
              </label>
            ))}
            <details><summary>{say("merge.base")}</summary><pre>{written(one.base)}</pre></details>
          </fieldset>
        ))}
      </div>
      <footer>
        <Button kind="quiet" onClick={() => all("mine")}>{say("merge.allMine")}</Button>
        <Button kind="quiet" onClick={() => all("theirs")}>{say("merge.allTheirs")}</Button>
        <Button kind="key" onClick={() => desk.saver.resolve(chosen)}>{say("merge.apply")}</Button>
      </footer>
    </Dialog>
  );
}

const written = (value: Json | undefined) => (value === undefined ? say("merge.gone") : typeof value === "string" ? value : JSON.stringify(value, null, 2));
