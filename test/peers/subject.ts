// Subject: the implementation under test, as the suites import it.

import { WebSocket, WebSocketServer } from '../../src/index.ts';
import type { Api } from './api.ts';

export const subject: Api = { WebSocket, WebSocketServer, guards: true };
