// Checks a receipt, a month or a whole transparency log against the log's public key, which whoever asks has pasted.
// C2SP signed-note, tlog-checkpoint, -cosignature, -proof and -tiles over RFC 6962, by WebCrypto alone.
const WIDTH = 256, HASH = 32, PERIOD = /^\d{4}(-\d{2})?$/
const utf8 = new TextEncoder(), decoder = new TextDecoder('utf-8', { ignoreBOM: true }), words = (data) => decoder.decode(data)

// The page explains each `kind`; `what` is the thing that is wrong, and `notes` are what was signed.
export class Wrong extends Error {
  constructor(kind, what, text, notes = []) { super(text); Object.assign(this, { kind, what, notes }) }
}
function need(fine, ...wrong) { if (!fine) throw new Wrong(...wrong) }

const same = (a, b) => a.length === b.length && a.every((each, i) => each === b[i])
const encoded = (data) => btoa(Array.from(data, (each) => String.fromCharCode(each)).join(''))
function base64(text, length) { // One text for the same bytes: no unused bits, no blanks.
  try {
    const data = Uint8Array.from(atob(text), (each) => each.charCodeAt(0))
    return encoded(data) === text && data.length === (length ?? data.length) && data
  } catch { return false }
}
async function digest(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  parts.reduce((start, part) => (all.set(part, start), start + part.length), 0)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}
const half = (n) => Math.floor(n / 2), all = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)))
const leaf = (entry) => digest([0], entry), node = (...pair) => digest([1], ...pair)

// A key is its kind (1: signs notes, 4: cosigns) and 32 bytes; each name that it signs under gives it another id.
const under = async (name, data) => ({ name, data, id: (await digest(utf8.encode(`${name}\n`), data)).slice(0, 4) })
async function keyOf(line) {
  const [, name, id, text] = line.match(/^([^\s+]+)\+(\w{8})\+(\S+)$/) ?? [], data = text && base64(text, 33)
  need(data && [1, 4].includes(data[0]), 'key', 'key', `not of the form NAME+ID+KEY: ${line.slice(0, 99)}`)
  const key = await under(name, data)
  need(new DataView(key.id.buffer).getUint32(0) === parseInt(id, 16), 'key', 'key', `the id ${id} is another key's: a letter was changed`)
  return key
}
const keysOf = (text) => Promise.all(text.split('\n').map((line) => line.trim()).filter(Boolean).map(keyOf))

// The log that these keys sign. Each checkpoint must have cosignatures of `least` of the `witnesses`.
export async function logOf(keys, witnesses = '', least = 0) {
  try { await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']) } catch {
    throw new Wrong('unsupported', 'browser', 'no Ed25519: take Chrome or Edge 137, Firefox 129, Safari 17, on https or from disk')
  }
  const found = await keysOf(keys), names = new Set(found.map(({ name }) => name.replace(/\/\d{4}(-\d{2})?$/, '')))
  need(names.size === 1 && found.every(({ data }) => data[0] === 1), 'key', 'key', 'paste the public keys of one log')
  return { name: [...names][0], keys: found.map(({ data }) => data), witnesses: await keysOf(witnesses), least }
}

async function signs({ data }, text, value) {
  const timed = data[0] === 4
  if (value.length !== (timed ? 72 : 64)) return false
  const head = timed ? `cosignature/v1\ntime ${new DataView(value.buffer).getBigUint64(0)}\n` : ''
  const key = await crypto.subtle.importKey('raw', data.slice(1), 'Ed25519', false, ['verify'])
  return crypto.subtle.verify('Ed25519', key, value.slice(-64), utf8.encode(head + text))
}

// A checkpoint that the log signed, of `period` where that is known.
export async function opened(note, log, period) {
  const cut = note.lastIndexOf('\n\n') + 1, text = note.slice(0, cut)
  const must = (fine, what, why) => need(fine, 'forged', what, why, [note])
  const [, origin, size, hash] = text.match(/^(\S+)\n(0|[1-9]\d{0,14})\n(\S+)\n(?:[^\n]+\n)*$/) ?? [], root = hash && base64(hash, HASH)
  must(root && note.endsWith('\n'), 'checkpoint', 'not of the form name, size, root, signatures')
  const own = origin.startsWith(`${log.name}/`) ? origin.slice(log.name.length + 1) : ''
  must(PERIOD.test(own), 'key', `the checkpoint of ${origin}, and the key of ${log.name}`)
  must(!period || own === period, 'month', `the checkpoint of ${own}, not of ${period}`)
  const keys = await Promise.all(log.keys.map((key) => under(origin, key))), by = new Set()
  let signed = false, other = false
  for (const line of note.slice(cut + 1, -1).split('\n')) {
    const [, name, coded] = line.match(/^\u2014 ([^\s+]+) (\S+)$/) ?? [], value = coded && base64(coded)
    must(value, 'signature', `not a signature: ${line.slice(0, 99)}`)
    const claimed = [...keys, ...log.witnesses].find((key) => key.name === name && same(key.id, value.slice(0, 4)))
    must(!claimed || await signs(claimed, text, value.slice(4)), 'signature', `${name} did not sign this name, size and root`)
    if (keys.includes(claimed)) signed = true
    else if (claimed) by.add(name)
    else other ||= name === origin
  }
  must(signed, other ? 'key' : 'signature', `${origin} is not signed with ${other ? 'your key, but another' : 'any key'}`)
  return { note, origin, period: own, size: +size, root, witnesses: by.size }
}
const witnessed = (log, { witnesses, note }) =>
  need(witnesses >= log.least, 'unwitnessed', 'signature', `${witnesses} witnesses cosigned, ${log.least} must have`, [note])

// RFC 6962, 2.1.1: the root that `proof` leads to, or null where it is too long or too short.
async function climbed(seen, index, size, proof) {
  if (size === 1 || !proof.length) return size > 1 || proof.length ? null : seen
  let left = 1
  while (left * 2 < size) left *= 2
  const rest = proof.slice(0, -1), other = proof.at(-1), first = index < left
  const below = await (first ? climbed(seen, index, left, rest) : climbed(seen, index - left, size - left, rest))
  return below && (first ? node(below, other) : node(other, below))
}

// What a receipt says, once it is proved; `asked` is the PERIOD/INDEX that it should be of, where that is known.
export async function receipt(data, log, asked) {
  const form = /^c2sp\.org\/tlog-proof@v1\nextra (\S*)\nindex (0|[1-9]\d{0,14})\n((?:\S+\n)*)\n(.*)$/s
  const [, coded, index, path, note] = words(data).match(form) ?? []
  const proof = path?.split('\n').slice(0, -1).map((each) => base64(each, HASH)), entry = proof && base64(coded)
  need(entry && proof.every(Boolean), 'no-receipt', 'receipt', 'not of the form of a .tlog-proof')
  const now = await opened(note, log), own = `${now.period}/${index}`
  need(!asked || asked === own, 'no-receipt', asked?.startsWith(`${now.period}/`) ? 'index' : 'month', `the receipt of ${own}, not of ${asked}`)
  witnessed(log, now)
  need(+index < now.size, 'unproven', 'index', `index ${index} is beyond the ${now.size} entries`)
  const root = await climbed(await leaf(entry), +index, now.size, proof)
  need(root, 'unproven', 'node', `${proof.length} nodes are too few or too many from ${index} to ${now.size}`)
  need(same(root, now.root), 'unproven', 'entry', 'entry, index or a node was changed: they lead to another root')
  return { ...now, index: +index, entry: words(entry) }
}

async function needed(read, path) {
  const data = await read(path)
  need(data, 'missing', 'file', `${path} was promised and is not there`)
  return data
}
export async function tile(read, period, level, n, width) { // A partial tile gives way to the full one, which begins with it.
  const digits = String(n), number = digits.padStart(3 * Math.ceil(digits.length / 3), '0').replace(/...(?=.)/g, 'x$&/')
  const path = `${period}/tile/${level}/${number}`
  return { path, data: (width < WIDTH && await read(`${path}.p/${width}`)) || await needed(read, path) }
}
function split({ path, data }, width) {
  const entries = []
  for (let at = 0; at < data.length;) {
    const start = at + 2
    at = start + data[start - 2] * 256 + data[start - 1]
    need(at <= data.length, 'damaged', 'entry', `${path} ends within its entry ${entries.length}`)
    entries.push(data.subarray(start, at))
  }
  need(entries.length >= width, 'damaged', 'entry', `${path} has ${entries.length} entries, not ${width}`)
  return entries.slice(0, width)
}

async function leavesOf(read, { period, size }, told) {
  const leaves = [], width = (n) => Math.min(WIDTH, size - n * WIDTH)
  let first = []
  for (let n = 0; n * WIDTH < size; n += 8) {
    const some = await all(Math.min(8, Math.ceil(size / WIDTH) - n), (i) => tile(read, period, 'entries', n + i, width(n + i)))
    for (const [i, each] of some.entries()) {
      const entries = split(each, width(n + i))
      if (!leaves.length) [first] = entries
      leaves.push(...await Promise.all(entries.map(leaf)))
    }
    told(`${period}: ${leaves.length} of ${size} entries are read.`)
  }
  return { leaves, first }
}
async function rowsOver(leaves) { // rows[h] has the hashes over 2^h entries each.
  const rows = [leaves]
  for (let below = leaves; below.length > 1; below = rows.at(-1)) {
    rows.push(await all(half(below.length), (i) => node(below[i * 2], below[i * 2 + 1])))
  }
  return rows
}
async function rootAt(rows, size) {
  let root = null
  for (let height = 0, rest = size; rest; height++, rest = half(rest)) {
    const peak = rest % 2 && rows[height][rest - 1]
    if (peak) root = root ? await node(peak, root) : peak
  }
  return root ?? digest()
}
async function compare(read, { period, size }, rows, whole) {
  for (let level = 0, count = size; count; level++, count = Math.floor(count / WIDTH)) {
    for (let n = 0; n * WIDTH < count; n++) {
      const own = rows[level * 8].slice(n * WIDTH, (n + 1) * WIDTH), { path, data } = await tile(read, period, level, n, own.length)
      need(data.length % HASH === 0, 'damaged', 'node', `${path} has ${data.length} bytes`)
      const at = own.findIndex((hash, i) => !same(hash, data.subarray(i * HASH, (i + 1) * HASH))), what = whole || level ? 'node' : 'entry'
      need(at < 0, 'damaged', what, `${what} ${n * WIDTH + at} was changed: the entries do not hash to ${path}`)
    }
  }
}

const agree = (old, now) => need(old.size !== now.size || same(old.root, now.root), 'split-view', 'root',
  `two roots are signed for ${now.size} entries`, [old.note, now.note])

// Every entry hashed, every tile rebuilt, and what was seen before still there; the first entry.
async function month(read, log, now, before, told) {
  const olds = before ? [await opened(before, log, now.period)] : []
  if (now.witnesses < log.least) {
    const data = await read(`${now.period}/cosigned`), seen = data ? await opened(words(data), log, now.period) : now
    witnessed(log, seen)
    olds.push(seen)
  }
  for (const old of olds) {
    need(now.size >= old.size, 'rollback', 'size', `it had ${old.size} entries and has ${now.size}`, [old.note, now.note])
    agree(old, now)
  }
  const { leaves, first } = await leavesOf(read, now, told), rows = await rowsOver(leaves)
  const whole = same(await rootAt(rows, now.size), now.root)
  await compare(read, now, rows, whole)
  need(whole, 'wrong-root', 'root', 'entries and tiles agree, and not with the signed size and root', [now.note])
  for (const { note, size, root } of olds) {
    need(same(await rootAt(rows, size), root), 'rewritten', 'root', `it no longer begins with its ${size} entries`, [note, now.note])
  }
  return first
}
async function link(first, previous, log) {
  try {
    const { previous: note } = JSON.parse(words(first)), last = note && await opened(note, log)
    const [named, shown] = [last, previous].map((each) => each && `${each.origin} ${each.size} ${each.root}`)
    if (named !== shown) throw Error('the first entry does not name the month before as it is')
  } catch (error) { throw new Wrong('unlinked', 'month', error.message) }
}

// Verifies all months, or `only` one and its link to the one before; the checkpoints, by month. `read` gives the bytes of
// a path below the log, or null; `before` has notes that were verified earlier, by month.
export async function series(read, log, { only, before = {}, told = () => {} } = {}) {
  let listed = [], previous = null
  const data = await needed(read, 'periods'), found = {}
  try { listed = JSON.parse(words(data)) } catch { }
  need(listed?.length && listed.every?.((each) => PERIOD.test(each)), 'missing', 'month', 'the log lists no months')
  const months = [...new Set(listed)].sort(), at = months.indexOf(only)
  for (const each of [...Object.keys(before), only || months[0]]) {
    need(months.includes(each), 'missing', 'month', `the log does not list ${each}`, [before[each]])
  }
  for (const period of only ? months.slice(Math.max(0, at - 1), at + 1) : months) {
    const now = await opened(words(await needed(read, `${period}/checkpoint`)), log, period)
    if (!only || only === period) {
      try {
        const first = await month(read, log, now, before[period], told)
        if (now.size || period !== months.at(-1)) await link(first, previous, log)
      } catch (error) { throw Object.assign(error, { period }) }
      found[period] = now
    }
    previous = now
  }
  return found
}

// The page. What was verified is kept in the browser under the log's key, so that less or other is noticed later.
const at = (id) => globalThis.document?.getElementById(id)
function page() {
  function kept(log, found) { // A browser that lets nothing be kept throws.
    const slot = `regard ${encoded(log.keys[0])}`
    try {
      const notes = { ...JSON.parse(localStorage[slot] ?? '{}'), ...found }
      localStorage[slot] = JSON.stringify(notes)
      return notes
    } catch { return {} }
  }
  function say(kind, verdict, why, more = '') {
    Object.assign(at('result'), { className: { verified: 'verdict yes', busy: 'verdict' }[kind] ?? 'verdict no' }).dataset.kind = kind
    for (const [id, text] of Object.entries({ verdict, why, more })) at(id).textContent = text
    at('result').focus()
  }
  const read = async (file) => file ? new Uint8Array(await file.arrayBuffer()) : null
  function among(files) { // A folder that `regard log copy` made, one month of it, or the service's own.
    const short = (file) => file.webkitRelativePath.replace(/^.*?(\d{4}(-\d\d)?)\/(public\/)?/, '$1/')
    const found = new Map(files.map((file) => [short(file), file]))
    const months = [...found.keys()].flatMap((path) => path.match(/^([\d-]+)\/checkpoint$/)?.[1] ?? [])
    return async (path) => path === 'periods' ? utf8.encode(JSON.stringify(months)) : read(found.get(path))
  }
  async function fetched(path) {
    const how = { cache: 'no-store', redirect: 'error', credentials: 'omit', signal: AbortSignal.timeout(60000) }
    const answer = await fetch(`${at('address').value.replace(/\/+$/, '')}/${path}`, how)
    if ([403, 404, 410].includes(answer.status)) return null
    if (!answer.ok) throw Error(`status ${answer.status} for ${path}`)
    return new Uint8Array(await answer.arrayBuffer())
  }
  const linked = location.hash.slice(1), on = (id, work) => at(id).addEventListener('submit', async (event) => {
    event.preventDefault()
    say('busy', 'Checking', '')
    try {
      await work(await logOf(at('key').value, at('witnesses').value, +at('least').value))
    } catch ({ kind = 'unchecked', what, period, message, notes = [] }) {
      const title = ['unchecked', 'unsupported', 'key'].includes(kind) ? 'Not checked' : 'NOT what was promised'
      say(kind, `${title}: ${kind}`, [period, what, message].filter(Boolean).join(': '), notes.join('\n'))
    }
  })
  on('one', async (log) => {
    const [file] = at('file').files, pasted = at('pasted').value.trim(), asked = file || pasted ? '' : linked
    need(file || pasted || asked, 'unchecked', 'receipt', 'choose a file, or paste its text')
    const data = await read(file) ?? (pasted ? utf8.encode(`${pasted}\n`) : await needed(fetched, asked.replace('/', '/receipts/')))
    const now = await receipt(data, log, asked), before = kept(log)[now.period]
    if (before) agree(await opened(before, log), now)
    say('verified', 'Verified', `${now.origin} has this entry at ${now.index}, as signed at ${now.size} entries.`, now.entry)
  })
  on('whole', async (log) => {
    const files = [...at('folder').files], only = at('month').value
    const told = (text) => say('busy', 'Checking', text)
    const found = Object.values(await series(files.length ? among(files) : fetched, log, { only, told, before: kept(log) }))
    kept(log, Object.fromEntries(found.map(({ period, note }) => [period, note])))
    say('verified', 'Verified', found.map(({ origin, size }) => `${origin} has ${size} entries.`).join(' '))
  })
  if (location.protocol !== 'file:') at('address').value = new URL('.', location).href
  if (linked) at('asked').textContent = `Without either, the receipt of ${linked} is fetched from the log's address.`
}
if (at('whole')) page()
