// `npm run requirements`: says which normative rows are tested or decided, and ends with 1 when a
// row that binds is named by neither a test nor docs/decisions.md.

import { formatCoverage, isComplete, readCoverage } from '../test/requirements/coverage.ts';

const coverage = readCoverage();
console.log(formatCoverage(coverage));
process.exitCode = isComplete(coverage) ? 0 : 1;
