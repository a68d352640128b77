#!/usr/bin/env node
import { runAttempt } from '../lib/runner/index.js';

const [, , folder = ''] = process.argv;
await runAttempt(folder);
process.exit(0);
