import type { ComponentChildren } from 'preact';
import type { Asked } from './asked.ts';
import type { City, Person, Place, Position } from './api.ts';
import { CloseIcon } from './icons.tsx';
import { nameIn, tagOf, type Language, type Messages } from './messages/index.ts';
import { FailureText } from './states.tsx';

interface Props {
  t: Messages;
  language: Language;
  city: City;
  position: Position;
  asked: Asked<Place>;
  onClose(): void;
  onRetry(): void;
}

/** A generated name may say so itself; the badge says it, and once is enough. */
const bare = ({ name, generated }: Person): string => (generated ? name.replace(/\s*[(（][^()（）]*(generated|生成)[^()（）]*[)）]$/, '') : name);

const Name = ({ t, person }: { t: Messages; person: Person }) => (
  <>
    {bare(person)}{' '}
    {person.generated && (
      <span class="badge" title={t.generatedTitle}>
        {t.generated}
      </span>
    )}
  </>
);

const Fact = ({ label, children }: { label: string; children: ComponentChildren }) => (
  <div class="fact">
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);

function Ladder({ t, language, place }: { t: Messages; language: Language; place: Place }) {
  return (
    <>
      <h3 id="ladder">{t.ladder}</h3>
      <ol class="ladder" aria-labelledby="ladder">
        {place.ladder.map((rung) => (
          <li key={`${rung.level} ${rung.code}`}>
            <span class="rung-level">{nameIn(rung.level_names, language)}</span>
            <span class="rung-name">{nameIn(rung.names, language) || rung.code}</span>
            <span class="code">{rung.code}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Segment({ t, language, segment }: { t: Messages; language: Language; segment: NonNullable<Place['segment']> }) {
  const whole = new Intl.NumberFormat(tagOf(language), { maximumFractionDigits: 0 });
  const side = segment.side === 'L' || segment.side === 'left' ? t.leftSide : t.rightSide;
  return (
    <>
      {nameIn(segment.names, language) || t.unnamedStreet}
      {segment.side && segment.offset_m !== null && <span class="under">{t.onSide(side, whole.format(segment.offset_m))}</span>}
      <span class="code">{segment.code}</span>
    </>
  );
}

function Facts({ t, language, place, position }: { t: Messages; language: Language; place: Place; position: Position }) {
  const grid = place.ladder.some((rung) => rung.code === place.duty_grid?.code) ? null : place.duty_grid;
  const whole = new Intl.NumberFormat(tagOf(language), { maximumFractionDigits: 0 });
  return (
    <dl class="facts">
      {place.street_unit && (
        <Fact label={t.streetUnit}>
          {t.squareMetres(whole.format(place.street_unit.area_m2))}
          <span class="code">{place.street_unit.code}</span>
        </Fact>
      )}
      {place.segment && (
        <Fact label={t.segment}>
          <Segment t={t} language={language} segment={place.segment} />
        </Fact>
      )}
      {grid && (
        <Fact label={t.dutyGrid}>
          {nameIn(grid.names, language)}
          <span class="code">{grid.code}</span>
        </Fact>
      )}
      {place.cell && (
        <Fact label={t.cell}>
          <span class="code">{place.cell}</span>
        </Fact>
      )}
      <Fact label={t.place}>
        <span class="code">
          {position.lat.toFixed(6)}, {position.lon.toFixed(6)}
        </span>
      </Fact>
    </dl>
  );
}

function Answer({ t, language, city, place, position }: { t: Messages; language: Language; city: City; place: Place; position: Position }) {
  if (!place.street_unit) {
    return (
      <>
        <h2>{t.outside}</h2>
        <p>{t.outsideHelp(nameIn(city.names, language))}</p>
        <Facts t={t} language={language} place={place} position={position} />
      </>
    );
  }
  const by = place.dispatch ? place.dispatch.by : place.owner;
  const asUsual = by?.code === place.owner?.code;
  return (
    <>
      <p class="eyebrow">{t.whoAnswers}</p>
      <h2 class="owner">{by ? <Name t={t} person={by} /> : t.nobody}</h2>
      {(!asUsual || !by) && place.dispatch && <p class="aside">{nameIn(place.dispatch.sentence, language)}</p>}
      {asUsual && place.deputy && (
        <p class="deputy">
          {t.deputy} <Name t={t} person={place.deputy} />
        </p>
      )}
      {place.how === 'border' && <p class="aside">{t.borderPlace}</p>}
      <Ladder t={t} language={language} place={place} />
      <Facts t={t} language={language} place={place} position={position} />
    </>
  );
}

/** Who answers for the place that was asked about, and where it lies. */
export function PlaceCard({ t, language, city, position, asked, onClose, onRetry }: Props) {
  return (
    <section class="card" aria-label={t.whoAnswers} aria-busy={asked.state === 'asking'}>
      <button type="button" class="card-close round" aria-label={t.close} onClick={onClose}>
        <CloseIcon />
      </button>
      <div class="card-body" aria-live="polite" tabIndex={0} role="group" aria-label={t.whoAnswers}>
        {asked.state === 'asking' && <p class="busy">{t.loadingPlace}</p>}
        {asked.state === 'failed' && <FailureText t={t} title={t.placeFailed} failure={asked.failure} onRetry={onRetry} />}
        {asked.state === 'answered' && <Answer t={t} language={language} city={city} place={asked.answer} position={position} />}
      </div>
    </section>
  );
}
