// SPDX-License-Identifier: Apache-2.0
// The account's keys for the coordinator: made, listed and ended by the account's signed word. A new one is shown once.
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { askWithWord } from "../../api/client.ts";
import { useConfig } from "../../api/queries.ts";
import type { ApiKey, ApiKeyMade, ApiKeyRevoked, ApiKeys } from "../../api/schema.ts";
import { oneLine } from "../../format/text.ts";
import { Field, PLAIN } from "../../parts/field.tsx";
import { Empty, ErrorNote } from "../../parts/notes.tsx";
import { Copy, When } from "../../parts/values.tsx";
import { useWallet } from "../../wallet/use_wallet.ts";
import { giveWord, type Word } from "../../wallet/word.ts";

const PATH = "/public/api-keys";
const NAME = /^[ -~]{1,64}$/;

function useKeys() {
  const network = useConfig().data?.network ?? "";
  const wallet = useWallet();
  const listing = useRef<Word>(undefined);
  const word = async (act: string) =>
    giveWord(await wallet(), { act, coordinator: location.origin, network }, Date.now());
  // The word for a list is good for more than one, so that a wallet is not asked after each change.
  const list = async () => {
    if (!listing.current || listing.current.until < Date.now() + 5000) listing.current = await word("list API keys");
    return askWithWord<ApiKeys>("GET", PATH, listing.current.text);
  };
  const make = async (name: string) =>
    askWithWord<ApiKeyMade>("POST", PATH, (await word(`make an API key named "${name}"`)).text, { name });
  const revoke = async ({ id }: ApiKey) =>
    askWithWord<ApiKeyRevoked>(
      "DELETE",
      `${PATH}/${encodeURIComponent(id)}`,
      (await word(`revoke the API key ${id}`)).text,
    );
  return { list, make, revoke };
}

function KeyRow({ one, revoke, busy }: { one: ApiKey; revoke: () => void; busy: boolean }) {
  const [sure, setSure] = useState(false);
  const name = oneLine(one.name, 64);
  return (
    <li className="secret">
      <div>
        <strong>{name}</strong> <code>{oneLine(one.prefix, 24)}…</code>
        <p className="soft">
          Made <When at={one.created_ms} />;{" "}
          {one.last_used_ms === null ? (
            "never used"
          ) : (
            <>
              used <When at={one.last_used_ms} />
            </>
          )}
        </p>
      </div>
      <div className="buttons">
        {sure ? (
          <>
            <button type="button" className="small" disabled={busy} onClick={revoke}>
              End {name} for good
            </button>
            <button type="button" className="quiet small" disabled={busy} onClick={() => setSure(false)}>
              Keep it
            </button>
          </>
        ) : (
          <button type="button" className="quiet small" aria-label={`Revoke: ${name}`} onClick={() => setSure(true)}>
            Revoke
          </button>
        )}
      </div>
    </li>
  );
}

function Made({ made, done }: { made: ApiKeyMade; done: () => void }) {
  return (
    <div className="note good" role="status">
      <strong>The key {oneLine(made.name, 64)} is made. It is shown this once:</strong>
      <p className="name">
        <code>{oneLine(made.key, 200)}</code> <Copy text={made.key} what="API key" />
      </p>
      <button type="button" className="small" onClick={done}>
        I have it
      </button>
    </div>
  );
}

function MakeKey({ make, busy }: { make: (name: string) => void; busy: boolean }) {
  const [name, setName] = useState("");
  const [tried, setTried] = useState(false);
  const problem = NAME.test(name) && name.trim() !== "" ? undefined : "A name of 1 to 64 letters, digits or signs.";
  return (
    <form
      className="request"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!problem) make(name);
      }}
    >
      <Field label="Name of a new key" hint="For you, to know it again." problem={tried ? problem : undefined}>
        {(wired) => (
          <input
            {...wired}
            {...PLAIN}
            name="key-name"
            value={name}
            maxLength={64}
            onChange={(e) => setName(e.target.value)}
          />
        )}
      </Field>
      <div className="buttons">
        <button type="submit" disabled={busy}>
          Make a key
        </button>
      </div>
    </form>
  );
}

export function ApiKeySettings() {
  const keys = useKeys();
  const [found, setFound] = useState<ApiKeys | null>(null);
  const [made, setMade] = useState<ApiKeyMade | null>(null);
  const act = useMutation({
    gcTime: 0,
    mutationFn: async (what: () => Promise<unknown>) => {
      await what();
      setFound(await keys.list());
    },
  });
  const make = (name: string) => act.mutate(async () => setMade(await keys.make(name)));
  return (
    <section aria-labelledby="keys-title">
      <h2 id="keys-title">API keys</h2>
      <p>
        With a key (<code>X-API-Key</code>) a program may ask this coordinator's public routes more often. Each act
        below is signed by the account for just that.
      </p>
      <p>
        <strong>Whoever has a key also reads what is this account's alone:</strong> what its programs wrote to their
        standard error, what was said while they were built, and who asked for its secrets, when, and with which verdict
        (never a secret's value). Give a key only to whom you would show these; revoke it when he is not to see them any
        more.
      </p>
      {act.isError && <ErrorNote error={act.error} />}
      {made && <Made made={made} done={() => setMade(null)} />}
      {found === null ? (
        <div className="buttons">
          <button type="button" className="quiet" disabled={act.isPending} onClick={() => act.mutate(async () => {})}>
            {act.isPending ? "Asking…" : "Show my keys"}
          </button>
        </div>
      ) : found.keys.length > 0 ? (
        <ul className="secret-list" aria-label="API keys">
          {found.keys.map((one) => (
            <KeyRow
              one={one}
              key={one.id}
              busy={act.isPending}
              revoke={() => act.mutate(async () => void (await keys.revoke(one)))}
            />
          ))}
        </ul>
      ) : (
        <Empty title="This account has no keys." />
      )}
      <MakeKey make={make} busy={act.isPending} />
    </section>
  );
}
