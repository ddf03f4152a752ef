import { useState, type CSSProperties } from "react";
import type { FileInfo } from "../../api/types";
import { useTranslate } from "../../i18n/translate";
import { FreshImage } from "./FreshImage";

interface Props {
  before: FileInfo;
  after: FileInfo;
  title: string;
  onStale: () => void;
}

/** Two pictures under one sliding edge. The slider is a range input: drag, touch and arrow keys. */
export function BeforeAfter({ before, after, title, onStale }: Props) {
  const t = useTranslate();
  const [edge, setEdge] = useState(50);
  const ratio = after.width && after.height ? after.width / after.height : 4 / 3;
  return (
    <div className="compare" style={{ "--edge": `${edge}%`, "--ratio": ratio } as CSSProperties}>
      <FreshImage file={after} alt={title} onStale={onStale} className="compare__after" />
      <div className="compare__before"><FreshImage file={before} alt={t("result.before")} onStale={onStale} /></div>
      <span className="compare__tag compare__tag--before" aria-hidden="true">{t("result.before")}</span>
      <span className="compare__tag compare__tag--after" aria-hidden="true">{t("result.after")}</span>
      <span className="compare__edge" aria-hidden="true"><i /></span>
      <input
        type="range"
        className="compare__input"
        min={0}
        max={100}
        value={edge}
        aria-label={t("result.compare")}
        aria-valuetext={t("result.compareValue", { percent: edge })}
        onChange={(event) => setEdge(Number(event.target.value))}
      />
    </div>
  );
}
