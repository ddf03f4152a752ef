import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

export function Notice({ icon = "info", children, action }: { icon?: IconName; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="notice" role="status">
      <Icon name={icon} />
      <div className="notice__body">{children}</div>
      {action}
    </div>
  );
}

/** A blank sheet with crop marks: the place is empty, and says what to do about it. */
export function Empty({ icon, title, children, action }: { icon: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty crop">
      <span className="empty__icon"><Icon name={icon} size={28} /></span>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}
