/** Just enough to state what must hold. */

export function equal(actual, expected, message = '') {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${message} expected ${right}, got ${left}`.trim());
}

export function ok(value, message = 'expected something true') {
  if (!value) throw new Error(message);
}

export function near(actual, expected, tolerance, message = '') {
  if (!(Math.abs(actual - expected) <= tolerance)) {
    throw new Error(`${message} expected ${expected} ± ${tolerance}, got ${actual}`.trim());
  }
}

export function throws(act, kind) {
  try {
    act();
  } catch (error) {
    if (error instanceof kind) return;
    throw error;
  }
  throw new Error(`expected ${kind.name}`);
}
