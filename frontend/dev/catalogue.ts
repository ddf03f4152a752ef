/** Demo features of the mock back end. The storefront knows none of them. */
type Texts = [en: string, zh: string];
type Language = "en" | "zh";

export interface DemoFeature {
  key: string;
  version: number;
  icon: string;
  cost: number;
  group: "images" | "words" | "lab";
  title: Texts;
  about: Texts;
  form: (say: (texts: Texts) => string) => { schema: object; uiSchema: object };
  output: (say: (texts: Texts) => string) => { schema: object; uiSchema: object };
  steps: { node: string; type: string; title: Texts; ms: number }[];
}

const imageOut = (say: (texts: Texts) => string) => ({
  schema: {
    type: "object",
    properties: { image: { type: "string", format: "file", contentMediaType: "image/*", title: say(["Finished photo", "成品图"]) } },
  },
  uiSchema: { image: { "ui:widget": "before-after", "ui:options": { before: "image" } } },
});

const textOut = (say: (texts: Texts) => string) => ({
  schema: { type: "object", properties: { text: { type: "string", contentMediaType: "text/markdown", title: say(["Draft", "文稿"]) } } },
  uiSchema: {},
});

export const FEATURES: DemoFeature[] = [
  {
    key: "product-photo", version: 3, icon: "camera", cost: 5, group: "images",
    title: ["Product photo", "商品图"],
    about: ["Cut the product out, set it on a clean ground and give it a soft shadow.", "抠出商品，换上干净的背景，并加上柔和的阴影。"],
    form: (say) => ({
      schema: {
        type: "object",
        required: ["image", "background", "size"],
        properties: {
          image: { type: "string", format: "file", contentMediaType: "image/*", title: say(["Photo", "照片"]) },
          background: { type: "string", format: "color", pattern: "^#[0-9a-fA-F]{6}$", default: "#ffffff", title: say(["Background", "背景色"]) },
          size: { type: "integer", default: 1600, title: say(["Size", "尺寸"]), oneOf: [{ const: 800, title: "800" }, { const: 1600, title: "1600" }, { const: 2400, title: "2400" }] },
          margin: { type: "integer", minimum: 0, maximum: 40, default: 12, title: say(["Margin, percent", "留白（%）"]) },
          shadow: { type: "boolean", default: true, title: say(["Soft shadow", "柔和阴影"]) },
        },
      },
      uiSchema: {
        "ui:order": ["image", "background", "size", "margin", "shadow"],
        image: { "ui:widget": "file", "ui:help": say(["JPEG, PNG or WebP up to 20 MB.", "支持 JPEG、PNG、WebP，最大 20 MB。"]) },
        background: { "ui:widget": "color", "ui:options": { swatches: ["#ffffff", "#f4f1ea", "#e7eef2", "#f7dfe6", "#16181d"] } },
        size: { "ui:widget": "radio" },
        margin: { "ui:widget": "range" },
      },
    }),
    output: imageOut,
    steps: [
      { node: "check", type: "transform", title: ["Check the photo", "检查照片"], ms: 500 },
      { node: "cutout", type: "mcp_tool", title: ["Cut out the product", "抠出商品"], ms: 2200 },
      { node: "ground", type: "mcp_tool", title: ["Lay the ground and shadow", "铺背景和阴影"], ms: 1400 },
      { node: "export", type: "image", title: ["Export", "导出"], ms: 700 },
    ],
  },
  {
    key: "blog-intro", version: 1, icon: "pen", cost: 2, group: "words",
    title: ["Blog introduction", "博客开头"],
    about: ["A first paragraph that makes people read the second one.", "写一段让人想继续读下去的开头。"],
    form: (say) => ({
      schema: {
        type: "object",
        required: ["topic", "tone"],
        properties: {
          topic: { type: "string", minLength: 3, maxLength: 400, title: say(["What is it about?", "写什么？"]) },
          tone: { type: "string", default: "calm", title: say(["Tone", "语气"]), oneOf: [{ const: "calm", title: say(["Calm", "平静"]) }, { const: "lively", title: say(["Lively", "活泼"]) }, { const: "dry", title: say(["Dry", "冷静"]) }] },
          words: { type: "integer", minimum: 40, maximum: 300, default: 120, title: say(["Length in words", "字数"]) },
          language: { type: "string", default: "en", title: say(["Language", "语言"]), oneOf: ["English", "简体中文", "Français", "Deutsch", "日本語", "Español"].map((title) => ({ const: title.slice(0, 2), title })) },
          keywords: { type: "array", title: say(["Keywords to include", "要包含的关键词"]), items: { type: "string", maxLength: 30 }, maxItems: 5 },
        },
      },
      uiSchema: {
        topic: { "ui:widget": "textarea", "ui:placeholder": say(["Why a small studio switched to film…", "一间小工作室为何改用胶片……"]) },
        words: { "ui:help": say(["Between 40 and 300.", "40 到 300 之间。"]) },
        keywords: { "ui:options": { orderable: false } },
      },
    }),
    output: textOut,
    steps: [
      { node: "outline", type: "prompt", title: ["Plan the paragraph", "构思段落"], ms: 700 },
      { node: "write", type: "llm_chat", title: ["Write", "写作"], ms: 3200 },
    ],
  },
  {
    key: "id-photo", version: 1, icon: "image", cost: 3, group: "images",
    title: ["Portrait clean-up", "人像修整"],
    about: ["Even light, a plain ground, ready for a passport or a profile.", "均匀光线、纯色背景，可用于证件照或头像。"],
    form: (say) => ({
      schema: { type: "object", required: ["image"], properties: { image: { type: "string", format: "file", contentMediaType: "image/*", title: say(["Portrait", "人像"]) } } },
      uiSchema: {},
    }),
    output: imageOut,
    steps: [{ node: "light", type: "image", title: ["Even out the light", "均匀光线"], ms: 1500 }],
  },
  {
    key: "minutes", version: 1, icon: "document", cost: 0, group: "words",
    title: ["Meeting minutes", "会议纪要"],
    about: ["Decisions and open points out of your notes.", "从笔记中整理出决定和待办。"],
    form: (say) => ({
      schema: { type: "object", required: ["notes"], properties: { notes: { type: "string", minLength: 1, title: say(["Notes", "笔记"]) } } },
      uiSchema: { notes: { "ui:widget": "textarea", "ui:options": { rows: 9 } } },
    }),
    output: textOut,
    steps: [{ node: "write", type: "llm_chat", title: ["Sort and write", "整理成文"], ms: 2500 }],
  },
];

/** Published by `POST /api/v1/dev/publish`, to watch an entry arrive. */
export const LATE_FEATURE: DemoFeature = {
  ...FEATURES[3]!, key: "slogans", icon: "bolt", group: "lab",
  title: ["Slogan sketches", "标语草稿"],
  about: ["Ten short lines for a poster, from calm to loud.", "十条海报短句，从平静到响亮。"],
};

export const GROUPS: Record<DemoFeature["group"], Texts> = {
  images: ["Pictures", "图片"],
  words: ["Words", "文字"],
  lab: ["Just published", "刚刚发布"],
};

export const saying = (header: string | undefined): ((texts: Texts) => string) => {
  const language: Language = header?.startsWith("zh") ? "zh" : "en";
  return ([en, zh]) => (language === "zh" ? zh : en);
};
