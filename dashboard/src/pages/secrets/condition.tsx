// SPDX-License-Identifier: Apache-2.0
// Builds a condition of access, of any kind and depth.
import { useState } from "react";
import { nearPlain, parseNear } from "../../format/money.ts";
import { Field, PLAIN } from "../../parts/field.tsx";
import { OPERATORS, type Access, type AccessKind, type Operator } from "../../secrets/access.ts";
import { WORDS } from "../../secrets/describe.ts";

const KINDS: Record<AccessKind, [label: string, start: () => Access]> = {
  Whitelist: ["these accounts", () => ({ kind: "Whitelist", accounts: [] })],
  AllowAll: ["everybody", () => ({ kind: "AllowAll" })],
  AccountPattern: ["accounts whose name matches", () => ({ kind: "AccountPattern", pattern: "" })],
  NearBalance: ["accounts by their NEAR", () => ({ kind: "NearBalance", operator: "Gte", value: "" })],
  FtBalance: ["holders of a token", () => ({ kind: "FtBalance", contract: "", operator: "Gte", value: "" })],
  NftOwned: ["owners of an NFT", () => ({ kind: "NftOwned", contract: "", token_id: null })],
  DaoMember: ["members of a DAO", () => ({ kind: "DaoMember", dao_contract: "", role: "" })],
  Logic: ["several conditions", () => ({ kind: "Logic", operator: "And", conditions: [{ kind: "AllowAll" }] })],
  Not: ["not …", () => ({ kind: "Not", condition: { kind: "AllowAll" } })],
};

interface Of<K extends AccessKind> {
  access: Access & { kind: K };
  change: (access: Access) => void;
}

// One account a line; what is typed stays as it is typed.
function Whitelist({ access, change }: Of<"Whitelist">) {
  const [text, setText] = useState(access.accounts.join("\n"));
  const typed = (next: string) => {
    setText(next);
    change({ ...access, accounts: next.split(/[\s,]+/).filter(Boolean) });
  };
  return (
    <Field label="Accounts" hint="One a line, 200 at most; alice.near, for example." wide>
      {(wired) => <textarea {...wired} {...PLAIN} rows={3} value={text} onChange={(e) => typed(e.target.value)} />}
    </Field>
  );
}

interface TextProps {
  label: string;
  hint: string;
  value: string;
  change: (value: string) => void;
}

function Text({ label, hint, value, change }: TextProps) {
  return (
    <Field label={label} hint={hint}>
      {(wired) => <input {...wired} {...PLAIN} value={value} onChange={(e) => change(e.target.value)} />}
    </Field>
  );
}

function Comparison({ operator, change }: { operator: Operator; change: (operator: Operator) => void }) {
  return (
    <Field label="Have">
      {(wired) => (
        <select {...wired} value={operator} onChange={(e) => change(e.target.value as Operator)}>
          {OPERATORS.map((one) => (
            <option key={one} value={one}>
              {WORDS[one]}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function NearBalance({ access, change }: Of<"NearBalance">) {
  const [text, setText] = useState(nearPlain(access.value));
  const typed = (next: string) => {
    setText(next);
    change({ ...access, value: parseNear(next) ?? "" });
  };
  return (
    <>
      <Comparison operator={access.operator} change={(operator) => change({ ...access, operator })} />
      <Text label="NEAR" hint="Such as 5 or 0.5." value={text} change={typed} />
    </>
  );
}

function FtBalance({ access, change }: Of<"FtBalance">) {
  return (
    <>
      <Text
        label="Token's contract"
        hint="usdt.tether-token.near, for example"
        value={access.contract}
        change={(contract) => change({ ...access, contract })}
      />
      <Comparison operator={access.operator} change={(operator) => change({ ...access, operator })} />
      <Text
        label="Amount"
        hint="In the token's smallest unit."
        value={access.value}
        change={(value) => change({ ...access, value })}
      />
    </>
  );
}

function NftOwned({ access, change }: Of<"NftOwned">) {
  return (
    <>
      <Text
        label="Token's contract"
        hint="nft.example.near, for example"
        value={access.contract}
        change={(contract) => change({ ...access, contract })}
      />
      <label className="check">
        <input
          type="checkbox"
          checked={access.token_id === null}
          onChange={(e) => change({ ...access, token_id: e.target.checked ? null : "" })}
        />
        any of its tokens
      </label>
      {access.token_id !== null && (
        <Text
          label="Token"
          hint="Its id."
          value={access.token_id}
          change={(id) => change({ ...access, token_id: id })}
        />
      )}
    </>
  );
}

function DaoMember({ access, change }: Of<"DaoMember">) {
  return (
    <>
      <Text
        label="DAO's contract"
        hint="team.sputnik-dao.near, for example"
        value={access.dao_contract}
        change={(dao_contract) => change({ ...access, dao_contract })}
      />
      <Text
        label="Role"
        hint="council, for example"
        value={access.role}
        change={(role) => change({ ...access, role })}
      />
    </>
  );
}

function Logic({ access, change }: Of<"Logic">) {
  const put = (at: number, one: Access | null) =>
    change({ ...access, conditions: access.conditions.flatMap((c, i) => (i === at ? (one ? [one] : []) : [c])) });
  return (
    <div className="field wide">
      <Field label="Which hold">
        {(wired) => (
          <select
            {...wired}
            value={access.operator}
            onChange={(e) => change({ ...access, operator: e.target.value as "And" | "Or" })}
          >
            <option value="And">all of these</option>
            <option value="Or">any of these</option>
          </select>
        )}
      </Field>
      {access.conditions.map((one, i) => (
        <div className="nested" key={`${i}/${access.conditions.length}`}>
          <ConditionEditor access={one} change={(next) => put(i, next)} label={`Condition ${i + 1}`} />
          {access.conditions.length > 1 && (
            <button type="button" className="quiet small" onClick={() => put(i, null)}>
              Remove condition {i + 1}
            </button>
          )}
        </div>
      ))}
      <button
        type="button"
        className="quiet small"
        onClick={() => change({ ...access, conditions: [...access.conditions, { kind: "Whitelist", accounts: [] }] })}
      >
        Add a condition
      </button>
    </div>
  );
}

function Inside({ access, change }: Of<AccessKind>) {
  switch (access.kind) {
    case "AllowAll":
      return <p className="wrong wide">Everybody who calls this repository's programs can use the values.</p>;
    case "Whitelist":
      return <Whitelist access={access} change={change} />;
    case "AccountPattern":
      return (
        <Text
          label="Pattern"
          hint=".*\.alice\.near matches all below alice.near."
          value={access.pattern}
          change={(pattern) => change({ ...access, pattern })}
        />
      );
    case "NearBalance":
      return <NearBalance access={access} change={change} />;
    case "FtBalance":
      return <FtBalance access={access} change={change} />;
    case "NftOwned":
      return <NftOwned access={access} change={change} />;
    case "DaoMember":
      return <DaoMember access={access} change={change} />;
    case "Logic":
      return <Logic access={access} change={change} />;
    case "Not":
      return (
        <div className="nested wide">
          <ConditionEditor
            access={access.condition}
            change={(condition) => change({ ...access, condition })}
            label="Not"
          />
        </div>
      );
  }
}

interface EditorProps {
  access: Access;
  change: (access: Access) => void;
  label: string;
}

export function ConditionEditor({ access, change, label }: EditorProps) {
  return (
    <div className="fields">
      <Field label={label}>
        {(wired) => (
          <select {...wired} value={access.kind} onChange={(e) => change(KINDS[e.target.value as AccessKind][1]())}>
            {Object.entries(KINDS).map(([kind, [words]]) => (
              <option key={kind} value={kind}>
                {words}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Inside access={access} change={change} key={access.kind} />
    </div>
  );
}
