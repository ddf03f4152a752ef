import { useEffect } from "react";
import { session } from "../api/session";
import { balance, refreshQuota } from "../auth/quota";
import { formatNumber } from "../i18n/format";
import { useTranslate } from "../i18n/translate";
import { Icon } from "../ui/icons";
import { useStore } from "../ui/store";

export function Balance() {
  const t = useTranslate();
  const signedIn = useStore(session) !== null;
  const amount = useStore(balance);
  useEffect(() => {
    if (signedIn) void refreshQuota();
  }, [signedIn]);
  if (!signedIn || amount === null) return null;
  const label = t("balance.label", { n: formatNumber(amount) });
  return (
    <span className="balance" title={label}>
      <Icon name="coin" size={18} />
      <span aria-hidden="true">{formatNumber(amount)}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
