// Takes the valid MQTT vectors through mqtt-packet of npm: parses each, compares
// every field, encodes what came out, and compares that too. What was found is
// kept in result.json, which a Go test reads where there is no node.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import mqtt from 'mqtt-packet'

// differs names the vectors of which mqtt-packet thinks otherwise, in exactly
// these steps, and why; numbers are sections of the texts.
const dup = { steps: ['parse'], why: 'mqtt-packet reads 3.1 by the rules of 3.1.1; in 3.1 DUP may be set on what is sent again (3.1, 2.1)' }
const differs = {
  'v31-pubrel-dup': dup,
  'v31-subscribe-dup': dup,
  'v31-unsubscribe-dup': dup,
  'v31-connect-user-missing': {
    steps: ['parse'],
    why: 'mqtt-packet reads 3.1 by the rules of 3.1.1; in 3.1 the Remaining Length wins over the user name flag (3.1)'
  },
  'v5-connect-empty-id-noclean': {
    steps: ['generate'],
    why: 'mqtt-packet parses but does not encode it; in 5.0 an empty Client Identifier needs no Clean Start [MQTT-3.1.3-6]'
  },
  'v5-connect-pass-only': {
    steps: ['generate'],
    why: 'mqtt-packet parses but does not encode it; in 5.0 a password needs no user name (3.1.2.9)'
  },
  'v5-auth-short': {
    steps: ['parse'],
    why: 'mqtt-packet refuses AUTH of Remaining Length 0, which is reason code 0 (3.15.2.1)'
  }
}

const maxRepeat = 10_000_000
const file = readFileSync(new URL('../../../broker/mqtt/testdata/mqtt-vectors.json', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('node_modules/mqtt-packet/package.json', import.meta.url)))

// octets are those of the packet; undefined for the one that is too large to build.
function octets (v) {
  if (v.repeat_count > maxRepeat) return undefined
  const again = Buffer.from(v.then_repeat_hex ?? '', 'hex')
  return Buffer.concat([
    Buffer.from((v.hex ?? '') + (v.hex_prefix ?? ''), 'hex'),
    Buffer.alloc(again.length * (v.repeat_count ?? 0), again)
  ])
}

const levels = { '3.1': 3, '3.1.1': 4, '5.0': 5 }

function parse (octets, v) {
  const parser = mqtt.parser({ protocolVersion: levels[v.version] })
  const packets = []
  parser.on('packet', p => packets.push(p))
  parser.on('error', err => { throw err })
  const left = parser.parse(octets)
  if (packets.length !== 1) throw new Error(`${packets.length} packets`)
  if (left !== 0) throw new Error(`${left} octets left over`)
  return packets[0]
}

// Properties whose names are other words there.
const names = {
  userProperties: 'user_property',
  maximumQoS: 'maximum_qos',
  subscriptionIdentifiersAvailable: 'subscription_identifier_available'
}

// properties describes them as the vectors do, but for pairs; see grouped.
function properties (all) {
  const f = {}
  for (const [name, value] of Object.entries(all ?? {})) {
    const key = names[name] ?? name.replace(/[A-Z]/g, c => '_' + c.toLowerCase())
    if (Buffer.isBuffer(value)) f[key + '_hex'] = value.toString('hex')
    else if (typeof value === 'boolean') f[key] = +value
    else if (name === 'userProperties') f[key] = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, [v].flat()]))
    else f[key] = value
  }
  return f
}

// grouped gathers the values of User Properties under their names: mqtt-packet
// does not show the order of different names.
function grouped (value) {
  if (Array.isArray(value) || value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, v]) => {
    if (key !== 'user_property') return [key, grouped(v)]
    const byName = {}
    for (const [name, value] of v) (byName[name] ??= []).push(value)
    return [key, byName]
  }))
}

// fields describes a packet in the words of the vector.
function fields (p, v) {
  const f = { type: p.cmd.toUpperCase() }
  const is5 = levels[v.version] === 5
  switch (p.cmd) {
    case 'connect':
      f.protocol_name = p.protocolId
      f.protocol_level = p.protocolVersion
      f.clean = p.clean
      f.keep_alive = p.keepalive
      f.client_id = p.clientId
      if (p.will) {
        f.will = { topic: p.will.topic, payload_hex: p.will.payload.toString('hex'), qos: p.will.qos, retain: p.will.retain }
        if (is5) f.will.properties = properties(p.will.properties)
      }
      if (p.username !== undefined) f.username = p.username
      if (p.password !== undefined) f.password_hex = p.password.toString('hex')
      break
    case 'connack':
      f.session_present = p.sessionPresent
      f.code = is5 ? p.reasonCode : p.returnCode
      break
    case 'publish':
      f.dup = p.dup
      f.qos = p.qos
      f.retain = p.retain
      f.topic = p.topic
      if (v.fields.payload_length !== undefined) f.payload_length = p.payload.length
      else f.payload_hex = p.payload.toString('hex')
      break
    case 'subscribe':
      f.filters = p.subscriptions.map(s => is5
        ? { filter: s.topic, qos: s.qos, no_local: s.nl, retain_as_published: s.rap, retain_handling: s.rh }
        : { filter: s.topic, qos: s.qos })
      break
    case 'suback':
      f.codes = p.granted
      break
    case 'unsubscribe':
      f.filters = p.unsubscriptions
      break
    case 'unsuback':
      if (is5) f.codes = p.granted
      break
    case 'pingreq':
    case 'pingresp':
      return f
    default: // acknowledgements, DISCONNECT, AUTH
      if (is5) f.code = p.reasonCode
  }
  if (p.messageId !== undefined) f.packet_id = p.messageId
  if (p.cmd !== 'publish' && p.dup) f.dup = true
  if (is5) f.properties = properties(p.properties)
  return f
}

// compare gives what one vector comes to: the steps that differ, and how; and
// whether it was encoded to the same octets.
function compare (v) {
  const found = {}
  const { wire_form: _, ...rest } = v.fields
  const want = grouped(rest)
  const input = octets(v)
  let packet
  try {
    packet = parse(input, v)
    const got = fields(packet, v)
    if (!isDeepStrictEqual(got, want)) found.parse = JSON.stringify(got)
  } catch (err) {
    found.parse = err.message
    return { found }
  }
  try {
    const output = mqtt.generate(packet, { protocolVersion: levels[v.version] })
    if (output.equals(input)) return { found, same: true }
    const got = fields(parse(output, v), v)
    if (!isDeepStrictEqual(got, want)) found.generate = JSON.stringify(got)
  } catch (err) {
    found.generate = err.message
  }
  return { found, same: false }
}

const result = {
  made_by: 'make crosscheck',
  vectors_sha256: createHash('sha256').update(file).digest('hex'),
  mqtt_packet: version,
  counts: {},
  vectors: {}
}
const wrong = []
for (const v of JSON.parse(file).vectors) {
  if (!v.valid) continue
  const counts = result.counts[v.version] ??= { agree: 0, differ: 0, skipped: 0 }
  if (octets(v) === undefined) {
    counts.skipped++
    result.vectors[v.id] = { skipped: `a payload of ${v.repeat_count} octets: too large` }
    continue
  }
  const { found, same } = compare(v)
  const steps = Object.keys(found)
  const listed = differs[v.id]
  if (steps.length === 0) {
    counts.agree++
    result.vectors[v.id] = same ? 'agrees' : 'agrees, encoded in another form'
    if (listed) wrong.push(`${v.id}: agrees now, take it out of the list`)
    continue
  }
  counts.differ++
  result.vectors[v.id] = { differs: found, why: listed?.why ?? 'unexplained' }
  if (!listed) wrong.push(`${v.id}: ${JSON.stringify(found)}`)
  else if (!isDeepStrictEqual(listed.steps, steps)) wrong.push(`${v.id}: differs in ${steps}, listed are ${listed.steps}`)
}
for (const id of Object.keys(differs)) {
  if (result.vectors[id] === undefined) wrong.push(`${id}: listed, but no vector`)
}

writeFileSync(new URL('result.json', import.meta.url), JSON.stringify(result, null, 2) + '\n')
for (const [v, c] of Object.entries(result.counts)) {
  console.log(`${v}: ${c.agree} agree, ${c.differ} differ, ${c.skipped} skipped`)
}
for (const [id, r] of Object.entries(result.vectors)) {
  if (r.differs) console.log(`${id} differs: ${r.why}`)
}
if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
