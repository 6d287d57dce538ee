/** Form fields for a workflow's inputs, made from their JSON schema. */

import { element } from "./element.js";
import { language, say, saying } from "./language.js";

const LONG = 500;

/**
 * One field for each property, the wide ones last.
 *
 * @param {object} schema of an object, as Pydantic writes it.
 * @returns {{fields: HTMLElement[], read: () => object}} `read` gives what was filled in.
 */
export function inputFields(schema) {
  const made = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    field(name, resolved(property, schema.$defs), schema.required?.includes(name)),
  );
  made.sort((one, other) => one.wide - other.wide);
  const read = () =>
    Object.fromEntries(
      made.map(({ name, value }) => [name, value()]).filter(([, value]) => value !== undefined),
    );
  return { fields: made.map(({ node }) => node), read };
}

/** The property without `null` and references. */
function resolved(property, definitions = {}) {
  const forms = property.anyOf ?? [property];
  const kept = forms.find((one) => one.type !== "null") ?? {};
  const named = kept.$ref && definitions[kept.$ref.split("/").at(-1)];
  return { ...property, ...kept, ...named, open: forms.some((one) => one.type === "null") };
}

function field(name, property, required) {
  const id = `input-${name}`;
  const meaning = property.enum ? "" : meaningOf(property);
  const hint = meaning ? element("p", { class: "note", id: `${id}-hint` }, meaning) : null;
  const { control, value } = controlOf(property, { id, required, "aria-describedby": hint?.id });
  const title = saying(`input.${name}`) ?? property.title ?? name;
  const wide = control.tagName === "TEXTAREA";
  const node = element(
    "div",
    { class: wide ? "field whole" : "field" },
    element("label", { for: id }, title),
    control,
    hint,
  );
  return { name, node, value, wide };
}

function meaningOf({ description, description_zh }) {
  return language === "zh" ? (description_zh ?? description) : description;
}

/** The control for a property, and how to read it; blank is undefined. */
function controlOf(property, common) {
  const text = () => control.value.trim() || undefined;
  let control;
  if (property.enum) {
    control = choice(common, property.enum, property.default);
    const chosen = () => property.enum.find((option) => `${option}` === control.value);
    return { control, value: () => (chosen() === property.default ? undefined : chosen()) };
  }
  if (property.type === "boolean" && property.open) {
    control = choice(common, ["yes", "no"]);
    return { control, value: () => ({ yes: true, no: false })[control.value] };
  }
  if (property.type === "boolean") {
    control = element("input", { ...common, type: "checkbox" });
    control.checked = property.default === true;
    return { control, value: () => control.checked };
  }
  if (property.type === "integer" || property.type === "number") {
    control = element("input", {
      ...common,
      type: "number",
      min: property.minimum,
      max: property.maximum,
      step: property.type === "integer" ? 1 : "any",
      placeholder: property.default ?? say("input.any"),
    });
    return { control, value: () => (text() === undefined ? undefined : Number(control.value)) };
  }
  if (property.type === "array") {
    control = element("textarea", { ...common, rows: 2, placeholder: say("input.per_line") });
    const lines = () =>
      control.value
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);
    control.addEventListener("input", () =>
      control.setCustomValidity(
        lines().length > property.maxItems
          ? say("input.too_many", { limit: property.maxItems })
          : "",
      ),
    );
    return { control, value: () => (lines().length ? lines() : undefined) };
  }
  control =
    property.maxLength > LONG
      ? element("textarea", { ...common, rows: 4, maxlength: property.maxLength })
      : element("input", { ...common, type: "text", maxlength: property.maxLength });
  return { control, value: text };
}

/** A select; the first option is the default, or that it does not matter. */
function choice(attributes, options, chosen) {
  const control = element("select", attributes);
  if (chosen == null) control.append(element("option", { value: "" }, say("input.any")));
  for (const option of options)
    control.append(
      element("option", { value: option }, saying(`input.option.${option}`) ?? `${option}`),
    );
  if (chosen != null) control.value = chosen;
  return control;
}
