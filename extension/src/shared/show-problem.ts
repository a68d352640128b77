import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ProblemError } from '../api/problem.js';

/** A failure as one of JupyterLab's notifications. It stays until it is read. */
export function showProblem(problem: ProblemError, trans: TranslationBundle): void {
  const lines = [problem.message, problem.remedy];
  if (problem.reference !== undefined) lines.push(trans.__('(Reference: %1)', problem.reference));
  Notification.error(lines.filter(line => line !== undefined).join(' '), { autoClose: false });
}
