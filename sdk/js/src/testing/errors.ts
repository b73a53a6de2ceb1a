/**
 * The errors of the test kit.
 *
 *     ArionError
 *     └── TestKitError        the kit could not do it
 *         ├── TestKitMissing  Python, or its package `arion`, is not there
 *         ├── CallFailed      a call was refused, or not answered in time
 *         └── NotHeard        a phone did not hear what its script expects
 */

import { ArionError } from '../errors.js';

/** The kit could not do what it was asked for. */
export class TestKitError extends ArionError {}

/** Python, or its package `arion`, is not there. */
export class TestKitMissing extends TestKitError {}

/** A phone did not hear what its script expects, in time or before the call ended. */
export class NotHeard extends TestKitError {}

/** A call was refused, or not answered in time. */
export class CallFailed extends TestKitError {
  /** SIP status; 408 if there was no answer */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}
