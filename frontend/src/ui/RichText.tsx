import Markdown from "markdown-to-jsx/react";
import type { AnchorHTMLAttributes, ImgHTMLAttributes } from "react";

/** Models may write anything: raw HTML stays text, links leave safely, pictures become links. */
const OPTIONS = {
  disableParsingRawHTML: true,
  forceBlock: true,
  overrides: {
    a: (props: AnchorHTMLAttributes<HTMLAnchorElement>) => <SafeLink {...props} />,
    img: (props: ImgHTMLAttributes<HTMLImageElement>) => <SafeLink href={String(props.src ?? "")}>{props.alt || props.src}</SafeLink>,
    script: () => null,
    iframe: () => null,
    style: () => null,
  },
};

export function RichText({ text }: { text: string }) {
  return <div className="rich-text"><Markdown options={OPTIONS}>{text}</Markdown></div>;
}

function SafeLink({ href, children }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  if (!href || !/^(https?:|mailto:)/i.test(href)) return <>{children}</>;
  return <a href={href} target="_blank" rel="noopener noreferrer nofollow">{children}</a>;
}
