import {
  buttonId,
  canExpand,
  descriptionId,
  errorId,
  getUiOptions,
  helpId,
  type ArrayFieldItemTemplateProps,
  type ArrayFieldTemplateProps,
  type DescriptionFieldProps,
  type FieldErrorProps,
  type FieldHelpProps,
  type FieldTemplateProps,
  type IconButtonProps,
  type ObjectFieldTemplateProps,
} from "@rjsf/utils";
import { useTranslate } from "../../i18n/translate";
import { Button, IconButton } from "../../ui/Button";
import type { IconName } from "../../ui/icons";

export function FieldTemplate(props: FieldTemplateProps) {
  const { hidden, children, errors, schema } = props;
  if (hidden) return <div hidden>{children}</div>;
  if (schema.type === "object") return <>{children}{errors}</>;
  const titled = needsTitle(props);
  return (
    <div className="field" data-invalid={props.rawErrors?.length ? true : undefined}>
      {titled && <FieldLabel {...props} />}
      {titled && props.rawDescription ? props.description : null}
      {children}
      {props.help}
      {errors}
    </div>
  );
}

/** The library leaves lists untitled, for their own template to title; here all fields look alike. */
function needsTitle({ displayLabel, schema, uiSchema, fieldPathId }: FieldTemplateProps): boolean {
  if (schema.type === "boolean" || getUiOptions(uiSchema).label === false) return false;
  const isItem = typeof fieldPathId.path.at(-1) === "number";
  return schema.type === "array" ? !isItem : displayLabel === true && !isItem;
}

/** A label that points at a row of choices would pick the first one when it is pressed. */
function FieldLabel({ id, label, required, schema }: FieldTemplateProps) {
  const t = useTranslate();
  const isChoice = Boolean(schema.enum ?? schema.oneOf ?? schema.anyOf) || schema.type === "array";
  return (
    <label className="field__label" htmlFor={isChoice ? undefined : id}>
      {label}
      {!required && <span className="field__optional">{t("field.optional")}</span>}
    </label>
  );
}

export function DescriptionTemplate({ id, description }: DescriptionFieldProps) {
  return description ? <p id={id} className="field__help">{description}</p> : null;
}

export function HelpTemplate({ help, fieldPathId }: FieldHelpProps) {
  return help ? <p id={helpId(fieldPathId)} className="field__help">{help}</p> : null;
}

/** In the page even when empty, so that the field's description always has its target. */
export function FieldErrorTemplate({ errors = [], fieldPathId }: FieldErrorProps) {
  if (errors.length === 0) return null;
  return (
    <div className="field__error" role="alert">
      <ul id={errorId(fieldPathId)}>{errors.map((error, index) => <li key={index}>{error}</li>)}</ul>
    </div>
  );
}

export function ObjectTemplate(props: ObjectFieldTemplateProps) {
  const { fieldPathId, title, description, properties, schema, uiSchema, formData, registry, onAddProperty } = props;
  const { AddButton } = registry.templates.ButtonTemplates;
  const isRoot = fieldPathId.path.length === 0;
  const fields = properties.map((property) => property.content);
  if (isRoot) return <div className="fields">{fields}</div>;
  return (
    <fieldset className="fieldset" id={fieldPathId.$id}>
      {title && <legend>{title}</legend>}
      {description && <p id={descriptionId(fieldPathId)} className="field__help">{description}</p>}
      <div className="fields">{fields}</div>
      {canExpand(schema, uiSchema, formData) && (
        <AddButton id={buttonId(fieldPathId, "add")} onClick={onAddProperty} uiSchema={uiSchema} registry={registry} />
      )}
    </fieldset>
  );
}

export function ArrayTemplate(props: ArrayFieldTemplateProps) {
  const { items, canAdd, onAddClick, disabled, readonly, registry, uiSchema, fieldPathId } = props;
  const { AddButton } = registry.templates.ButtonTemplates;
  return (
    <div className="list" id={fieldPathId.$id}>
      {items}
      {canAdd && (
        <AddButton id={buttonId(fieldPathId, "add")} onClick={onAddClick} disabled={disabled || readonly} uiSchema={uiSchema} registry={registry} />
      )}
    </div>
  );
}

export function ArrayItemTemplate({ children, hasToolbar, buttonsProps, registry, uiSchema }: ArrayFieldItemTemplateProps) {
  const Buttons = registry.templates.ArrayFieldItemButtonsTemplate;
  return (
    <div className="list__item">
      <div className="list__content">{children}</div>
      {hasToolbar && <div className="list__tools"><Buttons {...buttonsProps} uiSchema={uiSchema} registry={registry} /></div>}
    </div>
  );
}

export function AddButton({ onClick, disabled, id }: IconButtonProps) {
  const t = useTranslate();
  return <Button id={id} icon="plus" disabled={disabled} onClick={onClick}>{t("action.add")}</Button>;
}

function toolButton(icon: IconName, key: "action.remove" | "action.moveUp" | "action.moveDown" | "action.duplicate") {
  return function ToolButton({ onClick, disabled, id }: IconButtonProps) {
    const t = useTranslate();
    return <IconButton id={id} icon={icon} label={t(key)} disabled={disabled} onClick={onClick} />;
  };
}

export const RemoveButton = toolButton("close", "action.remove");
export const MoveUpButton = toolButton("up", "action.moveUp");
export const MoveDownButton = toolButton("down", "action.moveDown");
export const CopyButton = toolButton("copy", "action.duplicate");
