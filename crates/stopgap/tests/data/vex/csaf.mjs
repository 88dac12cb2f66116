// Holds documents to the schema of CSAF 2.0 and to the mandatory tests of its section 6.1.
// node csaf.mjs FOLDER-OF-THE-LIBRARY < LIST-OF-DOCUMENTS
// Prints of each what is wrong with it, in a line.
import { readFileSync } from 'node:fs'

const library = `file://${process.argv[2]}/`
const { default: validate } = await import(`${library}validate.js`)
const schema = Object.values(await import(`${library}schemaTests.js`))
const mandatory = Object.values(await import(`${library}mandatoryTests.js`))

for (const document of JSON.parse(readFileSync(0, 'utf8'))) {
  const { tests } = await validate([...schema, ...mandatory], document)
  const faults = tests.flatMap(({ name, errors }) =>
    errors.map(({ instancePath, message }) => `${name} ${instancePath}: ${message}`)
  )
  console.log(JSON.stringify(faults))
}
