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
  const { value, onChange } = props;
  const many = props.schema.type === "array";
  const ids = idsOf(value);
  const upload = useUpload((id) => onChange(many ? [...ids, id] : id));
  const files = useStore(knownFiles);
  const drop = (id: string) => onChange(many ? ids.filter((other) => other !== id) : undefined);
  const locked = props.disabled || props.readonly || false;
  const room = many || (ids.length === 0 && !upload.active);
  return (
    <div className="files">
      {ids.map((id) => <FileCard key={id} info={files[id]} onRemove={locked ? undefined : () => drop(id)} />)}
      {upload.active && <UploadCard upload={upload.active} onCancel={upload.cancel} />}
      {room && <Entrance {...props} locked={locked} onFile={upload.start} />}
      {upload.error && <UploadProblem error={upload.error} />}
    </div>
  );
}

const idsOf = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : value ? [String(value)] : []);

/** Uploads belong to an account, so visitors are asked to sign in; a preview in the admin is not. */
function Entrance(props: WidgetProps & { locked: boolean; onFile: (file: File) => void }) {
  const signedIn = useStore(session) !== null;
  const { askSignIn, preview } = props.registry.formContext as { askSignIn?: () => void; preview?: boolean };
  return signedIn || preview ? <Dropzone {...props} locked={props.locked || Boolean(preview)} /> : <SignInFirst ask={askSignIn} />;
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
