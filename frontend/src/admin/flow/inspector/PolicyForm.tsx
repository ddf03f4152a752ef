import { useDesk } from "../desk";
import { setNode } from "../state/doc";
import type { GraphNode, JsonObject, NodeType, Policy } from "../types";
import { say } from "../words";
import { JsonBox } from "./JsonBox";

/** How long a step may take, how often it is tried, and what happens when it fails. Empty means: as the type does. */
export function PolicyForm({ node, type }: { node: GraphNode; type: NodeType }) {
  const desk = useDesk();
  if (type.single && node.type !== "end") return null;
  const policy = node.policy ?? {};
  const set = (patch: Partial<Policy>) => {
    const next = Object.fromEntries(Object.entries({ ...policy, ...patch }).filter(([, value]) => value !== undefined)) as Policy;
    desk.editor.change((doc) => setNode(doc, node.id, { policy: Object.keys(next).length === 0 ? undefined : next }), `policy:${node.id}`);
  };
  const number = (name: "timeout" | "retries" | "backoff", fallback: number, max: number, step: string) => (
    <label className="field" data-field={`policy.${name}`}>
      <span className="field__label">{say(`policy.${name}`)}</span>
      <input className="input" type="number" min={0} max={max} step={step} placeholder={String(fallback)} value={policy[name] ?? ""} readOnly={desk.readOnly} onChange={(event) => set({ [name]: event.target.value === "" ? undefined : Number(event.target.value) })} />
    </label>
  );
  const choice = <Name extends "on_error" | "unknown" | "join">(name: Name, values: readonly NonNullable<Policy[Name]>[], usual: string) => (
    <label className="field" data-field={`policy.${name}`}>
      <span className="field__label">{say(`policy.${name}`)}</span>
      <select className="input select" value={policy[name] ?? ""} disabled={desk.readOnly} onChange={(event) => set({ [name]: event.target.value || undefined })}>
        <option value="">{usual}</option>
        {values.map((value) => <option key={value} value={value}>{say(`policy.${name}.${value}` as "policy.on_error.fail")}</option>)}
      </select>
    </label>
  );
  return (
    <details className="fe-part" data-part="policy" open={node.policy !== undefined || undefined}>
      <summary>{say("part.policy")}</summary>
      <div className="fe-part__body">
        <div className="fe-row">
          {number("timeout", type.policy.timeout.default, type.policy.timeout.max, "any")}
          {number("retries", type.policy.retries.default, type.policy.retries.max, "1")}
          {number("backoff", 0.5, 60, "any")}
        </div>
        {choice("on_error", type.policy.on_error, say("policy.usual", { name: say("policy.on_error.fail") }))}
        {policy.on_error === "fallback" && <div data-field="policy.fallback"><JsonBox label={say("policy.fallback")} value={policy.fallback} disabled={desk.readOnly} onChange={(value) => set({ fallback: value as JsonObject | undefined })} /></div>}
        {type.effect !== "pure" && choice("unknown", type.policy.unknown, say("policy.byType"))}
        {choice("join", ["all", "any"], say("policy.usual", { name: say("policy.join.all") }))}
      </div>
    </details>
  );
}
