// SPDX-License-Identifier: Apache-2.0
// The fields of names and values. Values live in the fields alone: no state, no store and no address holds them.
import { useId, useState, type ClipboardEvent } from "react";
import { PLAIN } from "../../parts/field.tsx";
import { allProblem, GENERATED, hasLines, nameProblem, valueProblem } from "../../secrets/names.ts";
import type { Wish } from "../../secrets/generate.ts";
import "./values.css";

interface NameProps {
  name: "name" | "made";
  label: string;
  first?: string;
}

// What is wrong with a name is said while it is typed, before there is a value for it. Not when the field is left: the line
// that says it would move the button away that somebody leaves it for.
function NameField({ name, label, first = "" }: NameProps) {
  const [problem, setProblem] = useState<string>();
  const id = useId();
  return (
    <span className="value-name">
      <input
        {...PLAIN}
        name={name}
        aria-label={label}
        aria-describedby={id}
        aria-invalid={problem !== undefined}
        defaultValue={first}
        placeholder="API_KEY"
        maxLength={128}
        onChange={({ target }) => {
          const typed = target.value.trim();
          setProblem(typed === "" || typed === first ? undefined : nameProblem(typed, name === "made"));
        }}
      />
      <span id={id} className="wrong" role="status">
        {problem}
      </span>
    </span>
  );
}

function ValueRow({ number, remove }: { number: number; remove: () => void }) {
  const [shown, setShown] = useState(false);
  const [lines, setLines] = useState(false);
  const id = useId();
  const paste = (event: ClipboardEvent) => {
    const many = hasLines(event.clipboardData.getData("text"));
    if (many) event.preventDefault();
    setLines(many);
  };
  return (
    <>
      <div className="value">
        <NameField name="name" label={`Name ${number}`} />
        <input
          {...PLAIN}
          id={id}
          name="value"
          type={shown ? "text" : "password"}
          autoComplete="new-password"
          aria-label={`Value ${number}`}
          data-1p-ignore
          data-lpignore="true"
          onInput={() => setLines(false)}
          onPaste={paste}
        />
        <button type="button" className="quiet small" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? "Hide" : "Show"}
        </button>
        <button type="button" className="quiet small" aria-label={`Remove ${number}`} onClick={remove}>
          Remove
        </button>
      </div>
      {lines && (
        <p className="wrong" role="alert">
          A value of several lines does not fit into this field, which would join them: `outlayer secrets set` takes it.
        </p>
      )}
    </>
  );
}

function MadeRow({ number, remove }: { number: number; remove: () => void }) {
  return (
    <div className="value">
      <NameField name="made" label={`Name of generated ${number}`} first="PROTECTED_" />
      <select name="type" aria-label={`Type of generated ${number}`} defaultValue="hex32">
        {GENERATED.map((type) => (
          <option key={type}>{type}</option>
        ))}
      </select>
      <button type="button" className="quiet small" aria-label={`Remove generated ${number}`} onClick={remove}>
        Remove
      </button>
    </div>
  );
}

function useList(start: number[]) {
  const [list, setList] = useState(start);
  return {
    list,
    add: () => setList([...list, (list.at(-1) ?? 0) + 1]),
    remove: (key: number) => setList(list.filter((one) => one !== key)),
  };
}

export function ValueFields() {
  const values = useList([1]);
  const made = useList([]);
  return (
    <fieldset>
      <legend>Values</legend>
      <p className="soft">
        They are sealed in this browser, and only programs that run for whom you choose can read them: in their
        environment.
      </p>
      {values.list.map((key, i) => (
        <ValueRow key={key} number={i + 1} remove={() => values.remove(key)} />
      ))}
      {made.list.map((key, i) => (
        <MadeRow key={`made ${key}`} number={i + 1} remove={() => made.remove(key)} />
      ))}
      <div className="buttons">
        <button type="button" className="quiet small" onClick={values.add}>
          Add a value
        </button>
        <button type="button" className="quiet small" onClick={made.add}>
          Let the keystore make one
        </button>
      </div>
    </fieldset>
  );
}

export interface Typed {
  values: Map<string, string>;
  wishes: Wish[];
  problem?: string;
}

function pairs(form: HTMLFormElement, first: string, second: string): [string, string][] {
  const data = new FormData(form);
  const seconds = data.getAll(second);
  return data.getAll(first).map((name, i) => [`${name}`.trim(), `${seconds[i] ?? ""}`]);
}

// What stands in the fields now. A problem names the secret, never its value.
export function readTyped(form: HTMLFormElement): Typed {
  const values = new Map<string, string>();
  const wishes: Wish[] = [];
  const fail = (problem: string): Typed => ({ values: new Map(), wishes: [], problem });
  for (const [name, value] of pairs(form, "name", "value")) {
    if (!name && !value) continue;
    const problem = nameProblem(name, false) ?? valueProblem(value);
    if (problem) return fail(`${name || "A value without a name"}: ${problem}`);
    if (value === "") return fail(`${name}: its value is empty.`);
    if (values.has(name)) return fail(`${name} is there twice.`);
    values.set(name, value);
  }
  for (const [name, type] of pairs(form, "made", "type")) {
    const problem = nameProblem(name, true);
    if (problem) return fail(`${name}: ${problem}`);
    if (name === "PROTECTED_" || wishes.some((wish) => wish.name === name))
      return fail(`${name}: choose a name of its own.`);
    wishes.push({ name, generation_type: type });
  }
  if (values.size + wishes.length === 0) return fail("There is no value yet.");
  const problem = allProblem(values);
  return problem ? fail(problem) : { values, wishes };
}
