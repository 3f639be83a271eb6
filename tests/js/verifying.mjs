// What tests ask of the script of the page that verifies logs, in a browser and under node. Files are told in base64.
const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0))
const reading = (files) => async (path) => (path in files ? bytes(files[path]) : null)

async function verdict(Wrong, work) {
  try {
    return { kind: 'verified', ...await work() }
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    return { kind: error.kind, what: error.what, text: error.message, notes: error.notes }
  }
}

// The verdict on a log, and the checkpoints that are kept from it.
export function log({ Wrong, logOf, series }, { key, witnesses, least, files, only, before }) {
  return verdict(Wrong, async () => {
    const found = await series(reading(files), await logOf(key, witnesses, least), { only, before })
    return { notes: Object.fromEntries(Object.values(found).map(({ period, note }) => [period, note])) }
  })
}

export function receipt({ Wrong, logOf, receipt }, { key, witnesses, least, proof, asked }) {
  return verdict(Wrong, async () => {
    const { index, size, entry } = await receipt(bytes(proof), await logOf(key, witnesses, least), asked)
    return { index, size, entry }
  })
}

// Where the script looks for bundles of entries.
export async function paths({ tile }, { numbers, width }) {
  const found = await Promise.all(numbers.map((n) => tile(async () => new Uint8Array(), '2026-11', 'entries', n, width)))
  return { paths: found.map(({ path }) => path) }
}

// One bit of each byte of each file, and of a receipt, turned in turn: how many that were, and which went unnoticed.
export async function flips({ Wrong, logOf, series, receipt }, { key, witnesses, least, files, proof }) {
  const known = await logOf(key, witnesses, least), kinds = {}, unnoticed = []
  let count = 0
  async function each(name, data, work) {
    for (let at = 0; at < data.length; at++, count++) {
      const changed = data.slice()
      changed[at] ^= 1 << at % 8
      const { kind } = await verdict(Wrong, async () => { await work(changed) })
      if (kind === 'verified') unnoticed.push(`${name} at ${at}`)
      kinds[name] = [...new Set([...kinds[name] ?? [], kind])].sort()
    }
  }
  for (const path of Object.keys(files).filter((path) => path !== 'periods')) {
    await each(path, bytes(files[path]), (changed) => series(async (asked) => (asked === path ? changed : reading(files)(asked)), known))
  }
  await each('receipt', bytes(proof), (changed) => receipt(changed, known))
  return { count, unnoticed, kinds }
}

// node verifying.mjs SCRIPT TASK < JSON
if (globalThis.process) {
  const [script, task] = process.argv.slice(2), input = []
  for await (const part of process.stdin) input.push(part)
  const asked = JSON.parse(Buffer.concat(input))
  console.log(JSON.stringify(await { log, receipt, paths, flips }[task](await import(script), asked)))
}
