import { mountEditors } from "./admin/editors";
import { mountFlow, mountTrial } from "./admin/flowPage";
import { mountIslands } from "./admin/islands";
import { mountPrompt } from "./admin/promptPage";
import { mountWizard } from "./admin/wizardPage";
import { language } from "./i18n/language";

// The admin's own language switch decides here, not what the storefront remembers.
language.set(document.documentElement.lang.toLowerCase().startsWith("zh") ? "zh-hans" : "en");
mountIslands();
mountPrompt();
mountFlow();
mountTrial();
mountWizard();
mountEditors();
