import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPermalink, writePermalink, type Permalink } from './permalink.ts';

const nothing: Permalink = { view: null, city: null, language: null, layers: null, place: null };

test('a permalink survives the way out and back', () => {
  const full: Permalink = {
    view: { zoom: 15.25, lat: 60.17123, lon: 24.94123 },
    city: 'helsinki',
    language: 'zh',
    layers: ['incidents', 'duty-grids'],
    place: { lat: 60.171234, lon: 24.941234 },
  };
  assert.deepEqual(readPermalink(writePermalink(full)), full);
});

test('no layer at all is not the same as no choice', () => {
  assert.deepEqual(readPermalink(writePermalink({ ...nothing, layers: [] })).layers, []);
  assert.equal(readPermalink(writePermalink(nothing)).layers, null);
});

test('what cannot be understood is left out', () => {
  for (const hash of ['', '#', '#map=1/2', '#map=a/b/c', '#map=15/95/10', '#map=15//10', '#map=99/1/1', '#place=1', '#place=NaN/1', '#lang=fr']) {
    assert.deepEqual(readPermalink(hash), nothing, hash);
  }
  assert.deepEqual(readPermalink('#layers=blocks,<b>,cells').layers, ['blocks', 'cells']);
});
