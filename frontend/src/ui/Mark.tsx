/** A registration mark printed in four inks, the cyan and magenta ones a hair off. */
export function Mark({ size = 30 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" fill="none" strokeWidth="2.4" aria-hidden="true">
      <g className="mark__c"><circle cx="14.6" cy="15" r="8.5" /></g>
      <g className="mark__m"><circle cx="17.4" cy="15" r="8.5" /></g>
      <g className="mark__y"><circle cx="16" cy="17.4" r="8.5" /></g>
      <g className="mark__k"><path d="M16 2v28M2 16h28" strokeWidth="1.8" strokeLinecap="round" /></g>
    </svg>
  );
}
