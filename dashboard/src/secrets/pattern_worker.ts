// SPDX-License-Identifier: Apache-2.0
// Runs beside the page, which ends it when it takes too long. It says when it is there to be asked.
interface Asked {
  pattern: string;
  account: string;
}

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  postMessage(new RegExp(`^(?:${data.pattern})$`, "u").test(data.account));
});
postMessage("ready");
