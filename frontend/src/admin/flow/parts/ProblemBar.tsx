import { Icon } from "../../../ui/icons";
import { useStore } from "../../../ui/store";
import { jumpTo } from "../actions";
import { look, useDesk, usePart } from "../desk";
import { nodeOf } from "../state/doc";
import type { Problem } from "../types";
import { say, sayCost } from "../words";

/** What the server thinks of the flow as it stands, at the foot of the canvas; each entry leads to its step. */
export function ProblemBar() {
  const desk = useDesk();
  const { state, verdict } = useStore(desk.checked);
  const open = usePart(desk.view, (view) => view.problems);
  if (!verdict) return <p className="fe-foot fe-faint" role="status">{say(UNKNOWN[state])}</p>;
  const { problems } = verdict;
  return (
    <section className="fe-foot" aria-label={say("problems.title")}>
      <div className="fe-foot__line">
        {problems.length === 0 ? <Good /> : <Count problems={problems} open={open} />}
        <span className="visually-hidden" role="status">{problems.length > 0 ? say(problems.length === 1 ? "problems.one" : "problems.count", { n: problems.length }) : ""}</span>
        {state === "failed" && <span className="fe-faint">{say("check.old")}</span>}
        {verdict.cost && <span className="fe-faint">{say(verdict.cost.unknown.length > 0 ? "check.costAtLeast" : "check.cost", { cost: sayCost(verdict.cost.worst_micro) })}</span>}
      </div>
      {open && problems.length > 0 && <ul className="fe-problems">{problems.map((one, index) => <Row key={index} problem={one} />)}</ul>}
    </section>
  );
}

const UNKNOWN = { waiting: "check.waiting", known: "check.waiting", absent: "check.absent", failed: "check.failed" } as const;

const Good = () => <span className="fe-foot__toggle" data-level="good"><Icon name="check" size={16} /><span role="status">{say("check.good")}</span></span>;

function Count({ problems, open }: { problems: Problem[]; open: boolean }) {
  const desk = useDesk();
  const errors = problems.filter((one) => one.severity === "error").length;
  return (
    <button type="button" className="fe-foot__toggle" data-level={errors > 0 ? "error" : "warning"} aria-expanded={open} onClick={() => look(desk, { problems: !open })}>
      <Icon name="alert" size={16} /><span>{say("check.count", { errors, warnings: problems.length - errors })}</span><Icon name={open ? "down" : "up"} size={14} />
    </button>
  );
}

function Row({ problem }: { problem: Problem }) {
  const desk = useDesk();
  const known = problem.node !== "" && nodeOf(desk.editor.doc, problem.node) !== undefined;
  return (
    <li data-level={problem.severity}>
      <button type="button" disabled={!known} onClick={() => jumpTo(desk, problem.node, problem.field || "config")}>
        <span>{problem.node && <code>{problem.node}</code>} {problem.message}</span>
        <small>{say(`level.${problem.severity}`)}{problem.field ? ` · ${problem.field}` : ""} · {problem.code}</small>
      </button>
    </li>
  );
}
