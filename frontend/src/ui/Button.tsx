import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./icons";

type Props = ButtonHTMLAttributes<HTMLButtonElement> & {
  kind?: "key" | "plain" | "quiet" | "danger";
  icon?: IconName;
  busy?: boolean;
};

/** A busy button keeps its width and focus; `aria-disabled` lets readers still find it. */
export function Button({ kind = "plain", icon, busy = false, children, onClick, ...rest }: Props) {
  return (
    <button
      type="button"
      {...rest}
      className={`button button--${kind} ${rest.className ?? ""}`}
      aria-disabled={busy || undefined}
      data-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

export function IconButton({ icon, label, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { icon: IconName; label: string }) {
  return (
    <button type="button" {...rest} className={`icon-button ${rest.className ?? ""}`} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}
