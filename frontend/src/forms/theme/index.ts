import type { ThemeProps } from "@rjsf/core";
import { CheckboxesWidget, CheckboxWidget, RadioWidget, SelectWidget } from "./choices";
import { ColorWidget } from "./ColorWidget";
import { FileWidget } from "./FileWidget";
import { BaseInput, RangeWidget, TextareaWidget } from "./inputs";
import * as templates from "./templates";

/** Our looks for the form library's logic. A widget missing here falls back to a plain input. */
export const theme: ThemeProps = {
  widgets: {
    CheckboxWidget,
    CheckboxesWidget,
    ColorWidget,
    FileWidget,
    RadioWidget,
    RangeWidget,
    SelectWidget,
    TextareaWidget,
  },
  templates: {
    BaseInputTemplate: BaseInput,
    FieldTemplate: templates.FieldTemplate,
    DescriptionFieldTemplate: templates.DescriptionTemplate,
    FieldHelpTemplate: templates.HelpTemplate,
    FieldErrorTemplate: templates.FieldErrorTemplate,
    ObjectFieldTemplate: templates.ObjectTemplate,
    ArrayFieldTemplate: templates.ArrayTemplate,
    ArrayFieldItemTemplate: templates.ArrayItemTemplate,
    ButtonTemplates: {
      AddButton: templates.AddButton,
      RemoveButton: templates.RemoveButton,
      MoveUpButton: templates.MoveUpButton,
      MoveDownButton: templates.MoveDownButton,
      CopyButton: templates.CopyButton,
    },
  },
};
