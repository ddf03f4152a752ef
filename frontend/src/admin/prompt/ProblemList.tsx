import { Icon } from "../../ui/icons";
import type { Problem } from "./types";
import { say } from "./words";

interface Props {
  problems: Problem[];
  onJump: (problem: Problem) => void;
}

const NAMES = { system: "text.system", body: "text.body", variables: "variables.title" } as const;

/** Every problem of the draft; pressing one leads to where it is. */
export function ProblemList({ problems, onJump }: Props) {
  if (problems.length === 0) return null;
  const count = problems.length === 1 ? say("problems.one") : say("problems.count", { n: problems.length });
  return (
    <section className="pe-problems" aria-label={say("problems.title")} data-testid="problems">
      <h3>{count}</h3>
      <ul>
        {problems.map((problem, at) => (
          <li key={at} data-level={problem.level}>
            <button type="button" onClick={() => onJump(problem)}>
              <Icon name={problem.level === "error" ? "alert" : "info"} size={16} />
              <span>{problem.message}</span>
              <small>{placeOf(problem)} · <code>{problem.code}</code></small>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function placeOf({ field, line }: Problem): string {
  const name = say(NAMES[field]);
  return field === "variables" ? name : say("problems.at", { field: name, line });
}
