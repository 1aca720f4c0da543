// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "react";

const QUIET_MS = 400;

// A value that somebody types, once he has stopped for a moment.
export function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), QUIET_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
