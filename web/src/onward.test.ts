import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loginAddress, onwardOf } from './onward.ts';

test('a log-in leads back to where one was', () => {
  const address = loginAddress({ pathname: '/map', search: '', hash: '#map=15/60.1/24.9&city=helsinki' }, 'zh');
  assert.equal(onwardOf(new URL(address, 'http://here').search), '/map#map=15/60.1/24.9&city=helsinki');
});

test('a log-in leads nowhere but to this server', () => {
  const others = ['', 'map', '//evil.example', '/\\evil.example', '\\\\evil.example', 'https://evil.example', 'javascript:alert(1)', '/\n/evil', '/\t/evil.example', '/a\\b'];
  for (const one of others) assert.equal(onwardOf(`?${new URLSearchParams({ onward: one })}`), '/map', one);
  assert.equal(onwardOf(''), '/map');
});
