import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dressed, shownAtFirst, type WanggeStyle } from './style.ts';

const style: WanggeStyle = {
  version: 8,
  sources: {},
  metadata: {
    'wangge:overlays': [
      { layer: 'blocks', visible: true },
      { layer: 'cells', visible: false },
    ],
    'wangge:legend': [],
  },
  layers: [
    { id: 'sea', type: 'background' },
    { id: 'b', type: 'line', source: 'blocks', metadata: { 'wangge:overlay': 'blocks' }, layout: { 'line-cap': 'round' } },
    { id: 'c', type: 'fill', source: 'cells', metadata: { 'wangge:overlay': 'cells' } },
    { id: 's', type: 'line', source: 'blocks', metadata: { 'wangge:role': 'selected-block' }, filter: ['==', ['get', 'code'], ''] },
  ],
};

test('only the chosen overlays are seen and other layout stays', () => {
  const layers = dressed(style, ['cells'], null).layers;
  assert.deepEqual(layers[1]?.layout, { 'line-cap': 'round', visibility: 'none' });
  assert.deepEqual(layers[2]?.layout, { visibility: 'visible' });
  assert.equal(layers[0], style.layers[0]);
});

test('the marked block is named in the filter, and nothing is marked without one', () => {
  assert.deepEqual((dressed(style, [], '0910010').layers[3] as { filter?: unknown }).filter, ['==', ['get', 'code'], '0910010']);
  assert.deepEqual((dressed(style, [], null).layers[3] as { filter?: unknown }).filter, ['==', ['get', 'code'], '']);
});

test('the style says what is seen at first', () => assert.deepEqual(shownAtFirst(style), ['blocks']));
