// eventsource-parser over the chunks of a workload, timed here, inside Node.js.
//
// Arguments: the folder that has node_modules, the file of the body, the file of the chunks'
// sizes (JSON), the seconds to measure. Prints the result as JSON.

import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {performance} from 'node:perf_hooks'

const [folder, bodyFile, sizesFile, seconds] = process.argv.slice(2)
const require = createRequire(`${folder}/`)
const {createParser} = require('eventsource-parser')

const body = readFileSync(bodyFile)
const chunks = []
let place = 0
for (const size of JSON.parse(readFileSync(sizesFile, 'utf8'))) {
  chunks.push(body.subarray(place, (place += size)))
}
const decode = (decoder) => chunks.map((chunk) => decoder.decode(chunk, {stream: true}))
const strings = decode(new TextDecoder())

// As its documentation has it: bytes through a TextDecoder, strings into the parser.
function parseBytes(onEvent) {
  const decoder = new TextDecoder()
  const parser = createParser({onEvent})
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, {stream: true}))
}

function parseStrings(onEvent) {
  const parser = createParser({onEvent})
  for (const string of strings) parser.feed(string)
}

// CPU time of the process, all its threads, as for the parsers in Python.
function medianSeconds(parse) {
  let events = 0
  const count = () => { events += 1 }
  const times = []
  const end = performance.now() + seconds * 1000
  do {
    const before = process.cpuUsage()
    parse(count)
    const {user, system} = process.cpuUsage(before)
    times.push((user + system) / 1e6)
  } while (performance.now() < end || times.length < 5)
  // The first half is for the compiler.
  const counted = times.slice(times.length >> 1).sort((a, b) => a - b)
  return counted[counted.length >> 1]
}

const checksum = createHash('sha256')
let events = 0
parseBytes(({event, data}) => {
  events += 1
  checksum.update(JSON.stringify([event || 'message', data]))
})

console.log(JSON.stringify({
  version: require('eventsource-parser/package.json').version,
  node: process.version,
  events,
  checksum: checksum.digest('hex'),
  seconds: {
    'eventsource-parser': medianSeconds(parseBytes),
    'eventsource-parser, of text already decoded': medianSeconds(parseStrings),
  },
}))
