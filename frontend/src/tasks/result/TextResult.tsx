import { useState } from "react";
import { useTranslate } from "../../i18n/translate";
import { announce } from "../../ui/announce";
import { Button } from "../../ui/Button";
import { RichText } from "../../ui/RichText";

export function TextResult({ text, title, markdown }: { text: string; title: string; markdown: boolean }) {
  return (
    <article className="sheet sheet--text crop">
      <header className="sheet__caption">
        <strong>{title}</strong>
        <CopyButton text={text} />
      </header>
      {markdown ? <RichText text={text} /> : <p className="plain-text">{text}</p>}
    </article>
  );
}

function CopyButton({ text }: { text: string }) {
  const t = useTranslate();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return;
    setCopied(true);
    announce(t("action.copied"));
    setTimeout(() => setCopied(false), 2000);
  };
  return <Button icon={copied ? "check" : "copy"} onClick={() => void copy()}>{t(copied ? "action.copied" : "action.copy")}</Button>;
}

/** The clipboard API is missing on plain http; the old command still works there. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
