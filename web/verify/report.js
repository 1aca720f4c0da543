// SPDX-License-Identifier: Apache-2.0
// Shows a report (verify.d.ts) to a person.
const $ = (id) => document.getElementById(id);

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

// verdict: colour, heading
const VERDICTS = {
  accepted: ["good", "✓ Genuine, and accepted"],
  refused: ["bad", "✕ Genuine, but refused by the policy"],
  false: ["bad", "✕ Not accepted: it proves nothing"],
  not_checkable: ["open", "? Not checkable with what is here"],
};

function meaning(report) {
  const held = `All signatures and dates of this ${report.tee} quote hold; its status is ${report.status}.`;
  const claims = "What is shown below is what the quote claims, nothing more:";
  switch (report.verdict) {
    case "accepted":
      return held;
    case "refused":
      return `${held} The policy refuses it:`;
    case "false":
      return `No other collateral mends this. ${claims}`;
    default:
      return `With the right collateral at the right time it may still hold. ${claims}`;
  }
}

const STATES = {
  passed: "✓ Passed",
  failed: "✕ Failed",
  not_checkable: "? Not checkable",
  not_reached: "– Not reached",
};

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.?]$/.test(text) ? "" : ".");

function step({ step: words, state }) {
  const line = element("li", "", state);
  line.append(element("b", STATES[state]), element("span", words));
  return line;
}

function pairs(list, rows) {
  list.replaceChildren();
  for (const [name, value, hex] of rows) {
    if (!value) continue;
    const cell = element("dd", String(value), hex ? "hex" : "");
    if (hex) cell.dataset.name = name;
    list.append(element("dt", name), cell);
  }
}

const day = (time) => (time ? time.replace("T", " ").replace("Z", " UTC") : null);

function platformRows(report, quote) {
  const short = (s) => `${s.component} has ${s.has} and needs ${s.needs}; it is raised by ${s.raised_by}`;
  return [
    ["Kind", quote.tee && `${quote.tee}, quote version ${quote.quote_version}`],
    ["Status", report.status ?? "not established"],
    ["Platform itself", report.platform_status],
    ["TDX module", report.module_status],
    ["Quoting enclave", report.qe_status],
    ["With today's module", report.current_status],
    ["Advisories", report.advisory_ids && (report.advisory_ids.join(", ") || "none")],
    ...(report.short ?? []).map((s) => ["Too low", short(s)]),
    ["TCB of", day(report.tcb_date)],
    ["Evaluation set", report.tcb_eval && `TCB info ${report.tcb_eval}, QE identity ${report.qe_eval}`],
    ["FMSPC", quote.fmspc, true],
    ["PCE", quote.pceid && `id ${quote.pceid}, SVN ${quote.pce_svn}`],
    ["Certified by", quote.ca && `Intel's ${quote.ca} authority`],
    ["PPID", quote.ppid, true],
    ["Certificate", quote.pck_serial, true],
  ];
}

const dateRows = (report, quote) => [
  ["Checked as of", day(report.at)],
  [
    "Collateral holds from",
    report.collateral && `${day(report.collateral.valid_from)}, when ${report.collateral.valid_from_part} begins`,
  ],
  [
    "Collateral holds until",
    report.collateral && `${day(report.collateral.expires)}, when ${report.collateral.expires_part} ends`,
  ],
  ["Certificate ends", day(quote.pck_expires)],
];

const MEANINGS = {
  mrtd: "firmware",
  rtmr0: "virtual hardware",
  rtmr1: "kernel",
  rtmr2: "command line, initrd",
  rtmr3: "application",
  mrseam: "TDX module",
  mrenclave: "enclave",
  mrsigner: "enclave's signer",
};
// What a report has beside the fields of the quote's body.
const OTHER = new Set([
  "tee",
  "quote_version",
  "fmspc",
  "pceid",
  "pce_svn",
  "ca",
  "ppid",
  "pck_serial",
  "pck_expires",
  "trailing_bytes",
]);

function measurementRows(quote) {
  const rows = Object.entries(quote).filter(
    ([name, value]) => !OTHER.has(name) && typeof value === "string" && /^[0-9a-f]+$/.test(value),
  );
  return [
    ...rows.map(([name, value]) => [MEANINGS[name] ? `${name} (${MEANINGS[name]})` : name, value, true]),
    ["Report data is of", quote.report_data_is],
    ["Behind the quote", quote.trailing_bytes && `${quote.trailing_bytes} bytes that nothing vouches for`],
  ];
}

export function show(report) {
  const [colour, heading] = VERDICTS[report.verdict];
  const quote = report.status ? report : (report.claimed ?? {});
  const reasons = report.error ? [report.error] : report.refused;
  $("banner").className = colour;
  $("verdict").textContent = heading;
  $("meaning").textContent = meaning(report);
  $("reasons").replaceChildren(
    ...reasons.map((r) => element("li", `${sentence(r.message)} [${r.code}]${r.hint ? ` ${sentence(r.hint)}` : ""}`)),
  );
  $("steps").replaceChildren(...report.steps.map(step));
  pairs($("platform"), platformRows(report, quote));
  pairs($("dates"), dateRows(report, quote));
  pairs($("measurements"), measurementRows(quote));
  $("measurements-note").textContent = report.status
    ? "The platform signed these."
    : "These are unproven: the quote claims them.";
  $("expected").value = "";
  $("compared").textContent = "";
}
