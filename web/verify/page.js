// SPDX-License-Identifier: Apache-2.0
// The page around verifyQuote: takes quote and collateral by drop, file or paste, and shows the report. All text goes
// into the document as text, never as markup.
import { counted, LIMITS, quoteBytes, within } from "./forms.js";
import { verifyQuoteText } from "./verify.js";
import { show } from "./report.js";

const $ = (id) => document.getElementById(id);
const taken = { quote: null, collateral: null }; // bytes of a file, until the text beside it is changed
let report = ""; // as it can be downloaded

const say = (id, text, wrong = false) => {
  $(id).textContent = text;
  $(id).classList.toggle("wrong", wrong);
};

// --- what was given

const SORTS = { 3: "SGX", 4: "TDX", 5: "TDX" };
function describeQuote(value) {
  const quote = quoteBytes(value);
  const version = quote[0] | (quote[1] << 8);
  return `${SORTS[version] ?? "An unknown kind of"} quote, version ${version}, ${counted(quote.length)} bytes.`;
}

function describeCollateral(value) {
  const text = typeof value === "string" ? value : new TextDecoder().decode(value);
  within("The collateral", text.length, LIMITS.collateral);
  let object;
  try {
    object = JSON.parse(text);
  } catch (e) {
    throw new SyntaxError(`This is no JSON: ${e.message}`);
  }
  if (!object || typeof object !== "object" || Array.isArray(object))
    throw new SyntaxError("This is JSON, but no object with the members of collateral.");
  return `A JSON object of ${Object.keys(object).length} members in ${counted(text.length)} bytes.`;
}

const describe = { quote: describeQuote, collateral: describeCollateral };
const given = (name) => taken[name] ?? $(name).value;

function look(name, from = "") {
  const value = given(name);
  if (!value.length) return say(`${name}-state`, "");
  try {
    say(`${name}-state`, from + describe[name](value));
  } catch (e) {
    say(`${name}-state`, from + e.message, true);
  }
}

async function takeFile(name, file) {
  const most = name === "quote" ? LIMITS.quoteFile : LIMITS.collateral;
  $(name).value = "";
  taken[name] = null;
  if (file.size > most) {
    return say(
      `${name}-state`,
      `${file.name} has ${counted(file.size)} bytes; at most ${counted(most)} are taken.`,
      true,
    );
  }
  taken[name] = new Uint8Array(await file.arrayBuffer());
  if (!taken[name].length) {
    taken[name] = null;
    return say(`${name}-state`, `${file.name} is empty.`, true);
  }
  look(name, `${file.name}: `);
}

for (const name of ["quote", "collateral"]) {
  $(name).addEventListener("input", () => {
    taken[name] = null;
    $(`${name}-file`).value = "";
    look(name);
  });
  $(`${name}-file`).addEventListener(
    "change",
    (event) => event.target.files[0] && takeFile(name, event.target.files[0]),
  );
}

// A file that is dropped beside both places goes where it belongs: collateral is JSON without a quote in it.
async function placeOf(file) {
  if (file.size > LIMITS.quoteFile) return "collateral";
  const text = (await file.text()).trimStart();
  return text.startsWith("{") && !/"(tdx_)?quote(_hex)?"\s*:/.test(text) ? "collateral" : "quote";
}

const dropPlace = (event) => event.target.closest?.("[data-drop]");
addEventListener("dragover", (event) => {
  event.preventDefault();
  for (const place of document.querySelectorAll("[data-drop]"))
    place.classList.toggle("over", place === dropPlace(event));
});
addEventListener(
  "dragleave",
  (event) =>
    event.relatedTarget || document.querySelectorAll(".over").forEach((place) => place.classList.remove("over")),
);
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.querySelectorAll(".over").forEach((place) => place.classList.remove("over"));
  const files = [...event.dataTransfer.files];
  const place = dropPlace(event);
  for (const file of files.slice(0, 2))
    await takeFile(files.length === 1 && place ? place.dataset.drop : await placeOf(file), file);
});

// --- the check

function timeGiven() {
  const text = $("at").value.trim();
  if (!text) return undefined;
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)
    ? new Date(text)
    : /^\d{1,12}$/.test(text)
      ? new Date(Number(text) * 1000)
      : new Date(NaN);
  if (Number.isNaN(at.getTime()))
    throw new SyntaxError("The time must be written as 2025-07-04T10:28:44Z or as seconds since 1970.");
  return at;
}

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem("");
  $("result").hidden = true;
  if (!given("quote").length) {
    $("quote").focus();
    return problem("There is no quote yet: drop a file on the page, choose one, or paste the quote's text.");
  }
  $("check").disabled = true;
  try {
    report = await verifyQuoteText({
      quote: given("quote"),
      collateral: given("collateral"),
      at: timeGiven(),
      policy: $("policy").value.trim(),
    });
    show(JSON.parse(report));
    $("raw").textContent = report;
    $("result").hidden = false;
    $("verdict").focus();
  } catch (e) {
    problem(e.message);
  } finally {
    $("check").disabled = false;
  }
});

$("clear").addEventListener("click", () => {
  $("form").reset();
  for (const name of ["quote", "collateral"]) {
    taken[name] = null;
    say(`${name}-state`, "");
  }
  problem("");
  $("result").hidden = true;
  $("quote").focus();
});

$("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([report], { type: "application/json" }));
  link.download = "quote-report.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
});

// An expected value is found among the measurements, however it is written.
$("expected").addEventListener("input", () => {
  const wanted = $("expected").value.replace(/\s/g, "").replace(/^0x/i, "").toLowerCase();
  const same = [...document.querySelectorAll("#measurements .hex")].filter((cell) => {
    const hit = wanted !== "" && cell.textContent === wanted;
    cell.classList.toggle("same", hit);
    return hit;
  });
  const names = same.map((cell) => cell.dataset.name).join(", ");
  say("compared", !wanted ? "" : names ? `Equal to ${names}.` : "Equal to none of them.", wanted && !names);
});
