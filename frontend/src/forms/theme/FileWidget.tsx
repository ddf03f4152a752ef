import type { WidgetProps } from "@rjsf/utils";
import { useStore } from "../../ui/store";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { session } from "../../api/session";
import { useTranslate } from "../../i18n/translate";
import { knownFiles } from "../files";
import { useUpload } from "../useUpload";
import { Dropzone } from "./Dropzone";
import { FileCard, UploadCard } from "./FileCard";
import { UploadProblem } from "./UploadProblem";

/** One file or, for an array, several. The value is the id of an upload. */
export function FileWidget(props: WidgetProps) {
  const { value, onChange, schema } = props;
  const many = schema.type === "array";
  const ids: string[] = many ? ((value as string[] | undefined) ?? []) : value ? [value as string] : [];
  const upload = useUpload((id) => onChange(many ? [...ids, id] : id));
  const files = useStore(knownFiles);
  const signedIn = useStore(session) !== null;
  const drop = (id: string) => onChange(many ? ids.filter((other) => other !== id) : undefined);
  const locked = props.disabled || props.readonly || false;
  const room = many || (ids.length === 0 && !upload.active);

  return (
    <div className="files">
      {ids.map((id) => <FileCard key={id} info={files[id]} onRemove={locked ? undefined : () => drop(id)} />)}
      {upload.active && <UploadCard upload={upload.active} onCancel={upload.cancel} />}
      {room && (signedIn || props.registry.formContext.preview ? <Dropzone {...props} locked={locked} onFile={upload.start} /> : <SignInFirst ask={props.registry.formContext.askSignIn} />)}
      {upload.error && <UploadProblem error={upload.error} />}
    </div>
  );
}

function SignInFirst({ ask }: { ask?: () => void }) {
  const t = useTranslate();
  return (
    <div className="dropzone dropzone--locked">
      <Icon name="upload" size={24} />
      <p>{t("file.signInFirst")}</p>
      {ask && <Button onClick={ask}>{t("auth.signIn")}</Button>}
    </div>
  );
}
