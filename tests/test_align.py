"""Placing: what is found, what is refused, what is said of the session."""

from __future__ import annotations

import time

import numpy as np
import pytest
from msgspec.structs import replace
from speech import RATE, ROLES, activity, conversation, errors_ms, logged, measured, one_part, shifted, sound, voice

from sessiontool.align import Alignment, align
from sessiontool.model import Utterance
from sessiontool.sessions.report import captions_status_of, status_of
from sessiontool.timeline import Span, Timeline

SEED, COUNT = 3, 40


def placed(alignment: Alignment) -> list[tuple[int | None, int | None]]:
    return [(p.start_samples, p.end_samples) for p in alignment.placements]


def codes(alignment: Alignment) -> set[str]:
    return {finding.code for finding in alignment.findings}


def aligned(log: list[Utterance], channels: tuple[str, ...] = ROLES, timeline: Timeline | None = None) -> Alignment:
    found = activity(SEED, COUNT)
    return align(log, timeline or one_part(found.duration_ms * RATE // 1000), found, channels)


def seconds(one: Utterance, start_s: float, end_s: float | None) -> Utterance:
    return replace(one, t_start_us=round(start_s * 1e6), t_end_us=None if end_s is None else round(end_s * 1e6))


@pytest.mark.parametrize("late_s", [0.0, 3.7, -7.9, 25.0])
def test_utterances_are_placed_to_the_hundredth_whatever_the_logs_clock_says(late_s: float) -> None:
    said = conversation(SEED, COUNT)
    result = aligned(logged(said, SEED, late_s=late_s))
    errors = np.abs(errors_ms(placed(result), said))
    assert np.median(errors) <= 4
    assert errors.max() <= 60
    assert all(p.status == "aligned" and p.confidence >= 0.8 for p in result.placements)
    assert result.parts[0].offset_ms == pytest.approx(-1000 * late_s, abs=250)
    assert result.parts[0].matched == COUNT


def test_text_without_sound_gets_no_time_and_takes_nobodys() -> None:
    said = conversation(SEED, COUNT)
    log = logged(said, SEED)
    mute = [
        Utterance(f"x{k}", "user", "and one more thing that nobody ever said", round(1e6 * (s.end_s + 0.1)), None)
        for k, s in enumerate(said)
        if s.role == "assistant" and k % 4 == 0
    ]
    result = aligned([*log, *mute])
    assert np.abs(errors_ms(placed(result)[: len(log)], said)).max() <= 60
    assert {p.status for p in result.placements[len(log) :]} <= {"no_audio", "unmatched"}
    assert all(p.start_samples is None and p.confidence == 0 for p in result.placements[len(log) :])
    assert "utterances-without-sound" in codes(result)


def test_a_log_that_loses_most_utterances_while_somebody_speaks_is_doubted() -> None:
    said = conversation(SEED, COUNT)
    thrice = [replace(one, start_s=3 * one.start_s, end_s=3 * one.end_s) for one in said]
    result = aligned(logged(thrice, SEED))
    lost = [finding for finding in result.findings if finding.code == "most-utterances-lost"]
    assert [finding.severity for finding in lost] == ["warning", "warning"]
    assert captions_status_of(lost, [1.0]) == "doubtful"
    assert status_of(lost) == "complete"


def test_speech_of_a_channel_on_which_nobody_speaks_is_theirs_whose_utterances_are_lost() -> None:
    """As where a log calls both speakers by names that are one role's."""
    log = logged(conversation(SEED, COUNT), SEED)
    assert {one.role for one in log} == {"user", "assistant"}
    one_role = aligned([replace(one, role="user") for one in log])
    assert "most-utterances-lost" in codes(one_role)
    assert "most-utterances-lost" not in codes(aligned([one for one in log if one.role == "user"]))


def test_utterances_that_were_never_said_are_no_reason_to_doubt_the_others() -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    half = [one for k, one in enumerate(log) if k % 2]
    quiet = sound(SEED, COUNT).copy()
    for one in conversation(SEED, COUNT)[::2]:
        quiet[:, round((one.start_s - 0.1) * RATE) : round((one.end_s + 0.1) * RATE)] = 0
    result = align(log, one_part(quiet.shape[1]), measured(quiet), ROLES)
    assert sum(place.start_samples is not None for place in result.placements) == len(half)
    assert "most-utterances-lost" not in codes(result)


def test_sound_without_text_is_listed_with_its_times() -> None:
    said = conversation(SEED, COUNT)
    left_out = next(s for s in said[5:] if s.role == "user" and s.end_s - s.start_s > 1)
    result = aligned([u for u in logged(said, SEED) if u.id != left_out.id])
    (finding,) = [f for f in result.findings if f.code == "speech-without-text"]
    assert finding.at_s == pytest.approx(left_out.start_s, abs=0.05)
    kept = [s for s in said if s.id != left_out.id]
    assert np.abs(errors_ms(placed(result), kept)).max() <= 60


def test_a_missing_end_a_missing_start_and_a_wrong_order_are_made_good() -> None:
    said = conversation(SEED, COUNT)
    log = logged(said, SEED)
    log[4] = replace(log[4], t_end_us=None)
    log[9] = replace(log[9], t_start_us=None)
    log[15] = replace(log[15], t_start_us=None, t_end_us=None)
    log[20] = replace(log[20], t_end_us=(log[20].t_start_us or 0) - 5_000_000)
    turned = log[::-1]
    errors = np.abs(errors_ms(placed(aligned(turned)), said[::-1]))
    assert np.nanmax(errors) <= 60
    assert not np.isnan(errors[[COUNT - 1 - 4, COUNT - 1 - 20]]).any()


def test_an_utterance_that_the_log_holds_twice_gets_the_same_place_twice() -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    result = aligned([*log, log[7]])
    assert placed(result)[-1] == placed(result)[7]
    assert placed(result)[:-1] == placed(aligned(log))


@pytest.mark.parametrize("role", ["system", "tool", ""])
def test_an_unknown_role_is_never_placed(role: str) -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    result = aligned([*log, replace(log[3], id="x", role=role)])
    assert (placed(result)[-1], result.placements[-1].status) == ((None, None), "unmatched")
    assert placed(result)[:-1] == placed(aligned(log))


def test_an_empty_text_is_never_placed() -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    result = aligned([*log, replace(log[3], id="x", text=" \n")])
    assert placed(result)[-1] == (None, None)


def test_a_turn_cut_off_by_the_user_is_clipped_and_others_are_not() -> None:
    chance = np.random.default_rng(8)
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT).copy()
    first = next(k for k in range(8, COUNT) if said[k].role == "user" and said[k - 1].role == "assistant")
    cut, user = said[first - 1], said[first]
    stop = user.start_s + 0.25  # the assistant still speaks for a quarter of a second
    samples[1, round(cut.start_s * RATE) : round(stop * RATE)] = voice(chance, stop - cut.start_s)[
        : round(stop * RATE) - round(cut.start_s * RATE)
    ]
    log = logged(said, SEED)
    log[first - 1] = replace(log[first - 1], text=cut.text + " and so on for quite a while until nobody could bear it")
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    clipped = [p for p in result.placements if p.status == "clipped"]
    assert [p.utterance.id for p in clipped] == [cut.id]
    assert clipped[0].end_samples == pytest.approx(48_000 * stop, abs=48 * 30)


# -- channels


def test_starts_without_ends_may_be_when_a_text_arrived() -> None:
    said = conversation(SEED, COUNT)
    chance = np.random.default_rng(SEED)
    log = [
        seconds(u, s.end_s + float(chance.uniform(0.4, 4)) if s.role == "user" else s.start_s + 0.3, None)
        for u, s in zip(logged(said, SEED), said, strict=True)
    ]
    result = aligned(log)
    assert np.abs(errors_ms(placed(result), said)).max() <= 60
    assert [p.utterance for p in result.placements] == log
    assert codes(result) == set()


def test_starts_that_the_log_calls_arrivals_are_read_as_starts() -> None:
    """An exact time under another name (`ts`) is no end of what the user said, and a text without sound keeps none."""
    said = conversation(SEED, COUNT)
    quiet = sound(SEED, COUNT).copy()
    gone = [one for one in said if one.role == "user"][2::4]
    for one in gone:
        quiet[:, round((one.start_s - 0.1) * RATE) : round((one.end_s + 0.1) * RATE)] = 0
    log = []
    for u, one in zip(logged(said, SEED), said, strict=True):
        at = round(1e6 * one.start_s)
        start, end = (None, at) if one.role == "user" else (at, None)
        log.append(replace(u, t_start_us=start, t_end_us=end, arrived_us=at))
    result = align(log, one_part(quiet.shape[1]), measured(quiet), ROLES)
    places = dict(zip((one.id for one in said), placed(result), strict=True))
    assert {places[one.id] for one in gone} == {(None, None)}
    left = [one for one in said if one not in gone]
    assert np.abs(errors_ms([places[one.id] for one in left], left)).max() <= 60
    assert [p.utterance for p in result.placements] == log


def test_the_log_of_another_session_is_said_and_nothing_of_it_is_sure() -> None:
    other = logged(conversation(SEED + 8, COUNT), SEED + 8)
    result = aligned(other)
    (finding,) = [one for one in result.findings if one.code == "log-unlike-sound"]
    assert captions_status_of([finding], [1.0]) == "doubtful"
    assert status_of([finding]) == "complete"
    assert sum(place.start_samples is not None for place in result.placements) > COUNT / 2
    assert all(place.confidence <= 0.5 for place in result.placements)
    assert "log-unlike-sound" not in codes(aligned(logged(conversation(SEED, COUNT), SEED)))


def test_a_place_far_from_where_an_exact_log_has_it_is_a_guess() -> None:
    said = conversation(SEED, COUNT)
    log = [seconds(u, s.start_s, s.end_s) for u, s in zip(logged(said, SEED), said, strict=True)]
    moved = next(k for k, s in enumerate(said) if k > 5 and s.end_s - s.start_s > 2)
    log[moved] = seconds(log[moved], said[moved].start_s - 1.2, None)
    place = aligned(log).placements[moved]
    assert place.start_samples is not None
    assert place.confidence <= 0.5
    assert min(p.confidence for k, p in enumerate(aligned(log).placements) if k != moved) > 0.5


def test_on_one_channel_a_log_without_roles_is_placed() -> None:
    said = conversation(SEED, COUNT)
    mixed = measured(sound(SEED, COUNT).sum(axis=0, keepdims=True))
    log = [replace(one, role="") for one in logged(said, SEED)]
    result = align(log, one_part(mixed.duration_ms * RATE // 1000), mixed, ("mixed",))
    assert [p.utterance for p in result.placements] == log
    assert np.median(np.abs(errors_ms(placed(result), said))) <= 4
    assert all(status == (None, None) for status in placed(aligned(log)))


def test_people_behind_the_speaker_are_weaker_than_who_speaks() -> None:
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT).copy()
    chance = np.random.default_rng(1)
    for start in np.arange(0, samples.shape[1] / RATE - 8, 9):
        behind = voice(chance, 7.5, 0.02)
        at = round(start * RATE)
        samples[0, at : at + len(behind)] += behind
    result = align(logged(said, SEED), one_part(samples.shape[1]), measured(samples), ROLES)
    errors = np.abs(errors_ms(placed(result), said)).max(axis=1)
    assert (errors <= 200).mean() >= 0.9


def untimed(one: Utterance) -> Utterance:
    return replace(one, t_start_us=None, t_end_us=None)


@pytest.mark.parametrize("who", [ROLES, ("assistant",)])
def test_without_times_the_order_of_the_log_tells_the_place(who: tuple[str, ...]) -> None:
    said = conversation(SEED, COUNT)
    log = [untimed(u) if u.role in who else u for u in logged(said, SEED, late_s=2.0)]
    result = aligned(log)
    errors = np.abs(errors_ms(placed(result), said)).max(axis=1)
    assert (errors <= 100).mean() >= 0.9
    sure = np.array([p.confidence >= 0.8 for p in result.placements])
    assert sure.mean() > 0.5
    assert not (errors[sure] > 1000).any()


def test_neighbours_without_times_may_be_logged_the_wrong_way_round() -> None:
    said = conversation(SEED, COUNT)
    log = [untimed(u) for u in logged(said, SEED)]
    asked = [k for k in range(1, COUNT) if log[k - 1].role == "user" and log[k].role == "assistant"]
    for k in asked[2::4]:
        log[k - 1 : k + 1] = log[k - 1 : k + 1][::-1]
    found = {p.utterance.id: (p.start_samples, p.end_samples) for p in aligned(log).placements}
    errors = np.abs(errors_ms([found[s.id] for s in said], said)).max(axis=1)
    assert (errors <= 100).mean() >= 0.85


def test_a_time_that_all_lines_have_is_none() -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    same = [replace(u, t_start_us=5_000_000, t_end_us=None) for u in log]
    assert placed(aligned(same)) == placed(aligned([untimed(u) for u in log]))


def test_channels_are_doubted_where_only_the_order_can_tell() -> None:
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT)[::-1].copy()
    log = [untimed(u) for u in logged(said, SEED)]
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    assert (np.abs(errors_ms(placed(result), said)).max(axis=1) <= 100).mean() >= 0.9
    assert "channels-swapped" in codes(result)


def test_channels_are_doubted_where_one_role_alone_has_times() -> None:
    """Its times agree with the other one's channel often enough, turns being alike."""
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT)[::-1].copy()
    log = [untimed(u) if u.role == "assistant" else replace(u, t_end_us=None) for u in logged(said, SEED, late_s=2.0)]
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    assert (np.abs(errors_ms(placed(result), said)).max(axis=1) <= 100).mean() >= 0.9
    assert "channels-swapped" in codes(result)


@pytest.mark.parametrize("same_s", [(0.0, 1e3), (16.0, 1e3), (40.0, 75.0)])
def test_where_both_channels_carry_the_same_sound_both_voices_are_looked_for_in_it(same_s: tuple[float, float]) -> None:
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT).copy()
    first, after = (min(round(at * RATE), samples.shape[1]) for at in same_s)
    samples[:, first:after] = samples[:, first:after].mean(axis=0)
    heard = measured(samples)
    result = align(logged(said, SEED), one_part(samples.shape[1]), heard, ROLES)
    assert np.abs(np.array(heard.dual_mono[0]) - np.array([first, after]) * 1000 / RATE).max() <= 1000
    errors = np.abs(errors_ms(placed(result), said)).max(axis=1)
    assert not np.isnan(errors).any()
    assert (errors <= 100).mean() > 0.9
    assert [f.message.partition(",")[0] for f in result.findings if f.code == "channels-merged"]
    assert "utterances-without-sound" not in codes(result)


@pytest.mark.parametrize("role", ROLES)
def test_what_begins_in_dual_mono_and_ends_behind_it_keeps_its_beginning(role: str) -> None:
    """Its middle is where the channels are apart: it was looked for there alone, and found nowhere."""
    said = conversation(SEED, COUNT)
    across = max((one for one in said[6:-4] if one.role == role), key=lambda one: one.end_s - one.start_s)
    ends_s = across.start_s + 0.25 * (across.end_s - across.start_s)
    samples = sound(SEED, COUNT).copy()
    first, after = (round(at * RATE) for at in (said[said.index(across) - 5].start_s - 0.3, ends_s))
    samples[:, first:after] = samples[:, first:after].mean(axis=0)
    result = align(logged(said, SEED), one_part(samples.shape[1]), measured(samples), ROLES)
    errors = np.abs(errors_ms(placed(result), said)).max(axis=1)
    assert errors[said.index(across)] <= 100
    assert (errors <= 100).mean() > 0.9


def test_one_channel_for_both_voices_is_matched_in_one_pass_and_trusted_less() -> None:
    said = conversation(SEED, COUNT)
    mixed = measured(sound(SEED, COUNT).sum(axis=0, keepdims=True))
    result = align(logged(said, SEED), one_part(mixed.duration_ms * RATE // 1000), mixed, ("mixed",))
    assert np.median(np.abs(errors_ms(placed(result), said))) <= 4
    assert "voices-on-one-channel" in codes(result)
    usual = aligned(logged(said, SEED))
    assert all(m.confidence < u.confidence for m, u in zip(result.placements, usual.placements, strict=True))


@pytest.mark.parametrize("both_on", [None, 0, 1])
def test_channels_that_are_not_what_they_are_named_are_found_out(both_on: int | None) -> None:
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT)
    if both_on is None:
        samples = samples[::-1].copy()
    else:
        together = np.zeros_like(samples)
        together[both_on] = samples.sum(axis=0)
        samples = together
    result = align(logged(said, SEED), one_part(samples.shape[1]), measured(samples), ROLES)
    assert np.median(np.abs(errors_ms(placed(result), said))) <= 4
    assert ("channels-swapped" if both_on is None else "voices-on-one-channel") in codes(result)
    assert ("channels-swapped" in codes(result)) == (both_on is None)


@pytest.mark.parametrize(("channel", "cause"), [(0, "microphone"), (1, "media element")])
def test_a_dead_channel_is_said_with_its_cause_and_the_other_one_still_placed(channel: int, cause: str) -> None:
    said = conversation(SEED, COUNT)
    samples = sound(SEED, COUNT).copy()
    samples[channel] = 0
    result = align(logged(said, SEED), one_part(samples.shape[1]), measured(samples), ROLES)
    (finding,) = [one for one in result.findings if one.code == "channel-silent"]
    assert cause in finding.hint
    for place, one in zip(result.placements, said, strict=True):
        assert (place.start_samples is None) == (one.role == ROLES[channel])


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("seed", range(3))
def test_beside_a_dead_channel_a_wrong_name_is_found_out(channel: int, seed: int) -> None:
    said = conversation(seed, COUNT)
    samples = sound(seed, COUNT).copy()
    samples[channel] = 0
    result = align(logged(said, seed), one_part(samples.shape[1]), measured(samples), ROLES[::-1])
    assert {"channels-swapped", "channel-silent"} <= set(codes(result))
    for place, one in zip(result.placements, said, strict=True):
        assert (place.start_samples is None) == (one.role == ROLES[channel])


def test_leaks_are_reported() -> None:
    samples = sound(SEED, COUNT).copy()
    samples[0, 1600:] += 0.08 * samples[1, :-1600]
    log = logged(conversation(SEED, COUNT), SEED)
    assert "echo" in codes(align(log, one_part(samples.shape[1]), measured(samples), ROLES))
    merged = np.array([samples[0] + 0.4 * samples[1], samples[1] + 0.4 * samples[0]])
    assert "channels-merged" in codes(align(log, one_part(samples.shape[1]), measured(merged), ROLES))


# -- the output is not the session


def test_a_hole_in_an_utterance_does_not_end_it() -> None:
    said = conversation(SEED, COUNT)
    one = next(s for s in said[10:] if s.end_s - s.start_s > 3)
    hole = (one.start_s + 1.0, one.start_s + 2.2)
    samples = sound(SEED, COUNT).copy()
    samples[:, round(hole[0] * RATE) : round(hole[1] * RATE)] = 0
    n = samples.shape[1]
    edges = [0, round(48_000 * hole[0]), round(48_000 * hole[1]), 3 * n]
    kinds = [("recorded", ""), ("silence", "lost"), ("recorded", "")]
    spans = [
        Span(kind, "0", cause, a, b, *(round(x / 0.048) for x in (a, b, a, b)))  # type: ignore[arg-type]
        for (kind, cause), a, b in zip(kinds, edges, edges[1:], strict=False)
    ]
    result = align(logged(said, SEED), Timeline(spans), measured(samples), ROLES)
    errors = np.abs(errors_ms(placed(result), said))
    assert errors.max() <= 60


def test_an_utterance_whose_head_is_lost_begins_where_the_sound_does() -> None:
    said = conversation(SEED, COUNT)
    k = next(k for k in range(10, COUNT) if said[k].end_s - said[k].start_s > 5)
    hole = (said[k].start_s - 0.3, said[k].start_s + 2.5)
    samples = sound(SEED, COUNT).copy()
    samples[:, round(hole[0] * RATE) : round(hole[1] * RATE)] = 0
    edges = [0, round(48_000 * hole[0]), round(48_000 * hole[1]), 3 * samples.shape[1]]
    kinds = [("recorded", ""), ("silence", "lost"), ("recorded", "")]
    spans = [
        Span(kind, "0", cause, a, b, *(round(x / 0.048) for x in (a, b, a, b)))  # type: ignore[arg-type]
        for (kind, cause), a, b in zip(kinds, edges, edges[1:], strict=False)
    ]
    result = align(logged(said, SEED), Timeline(spans), measured(samples), ROLES)
    heard = [replace(s, start_s=hole[1]) if s is said[k] else s for s in said]
    assert np.abs(errors_ms(placed(result), heard)).max() <= 60
    assert result.placements[k].confidence >= 0.8, "what is missing was not recorded, and is no reason for doubt"


def test_a_pause_that_nobody_noted_is_found_by_what_was_said_after_it() -> None:
    said = conversation(SEED, COUNT)
    late = [*logged(said, SEED)[:20], *shifted(logged(said, SEED)[20:], 6_300_000)]
    assert np.abs(errors_ms(placed(aligned(late)), said)).max() <= 60
    soon = [*logged(said, SEED)[:35], *shifted(logged(said, SEED)[35:], 6_300_000)]  # only five utterances say so
    assert np.abs(errors_ms(placed(aligned(soon)), said)).max() <= 60


@pytest.mark.parametrize("lost_head_s", [0.4, 1.2])
def test_a_pause_that_nobody_noted_may_take_an_utterances_head(lost_head_s: float) -> None:
    said = conversation(SEED, COUNT)
    k = next(k for k in range(14, COUNT) if said[k].end_s - said[k].start_s > 3 and said[k - 1].role != said[k].role)
    first, last = said[k].start_s - 0.3, said[k].start_s + lost_head_s
    samples = np.delete(sound(SEED, COUNT), np.s_[round(first * RATE) : round(last * RATE)], axis=1)
    log = [*logged(said, SEED)[:k], *shifted(logged(said, SEED)[k:], 5_000_000)]  # five more seconds of the pause
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    later = [replace(s, start_s=s.start_s - last + first, end_s=s.end_s - last + first) for s in said[k:]]
    later[0] = replace(later[0], start_s=first)
    assert np.abs(errors_ms(placed(result), [*said[:k], *later])).max() <= 60


def test_a_closed_pause_takes_what_was_said_in_it_and_nothing_else() -> None:
    said = conversation(SEED, COUNT)
    first = said[12].start_s - 0.15
    last = said[14].end_s + 0.15
    samples = np.delete(sound(SEED, COUNT), np.s_[round(first * RATE) : round(last * RATE)], axis=1)
    cut, gone, end = (round(48_000 * t) for t in (first, last, samples.shape[1] / RATE))
    us = [round(x / 0.048) for x in (cut, gone, end)]
    timeline = Timeline(
        [
            Span("recorded", "0", "", 0, cut, 0, us[0], 0, us[0]),
            Span("recorded", "0", "", cut, end, us[0], us[2], us[1], us[2] + us[1] - us[0]),
        ]
    )
    result = align(logged(said, SEED), timeline, measured(samples), ROLES)
    for k, place in enumerate(result.placements):
        assert (place.start_samples is None) == (12 <= k <= 14), said[k].id
    later = [replace(s, start_s=s.start_s - (last - first), end_s=s.end_s - (last - first)) for s in said[15:]]
    assert np.abs(errors_ms(placed(result)[15:], later)).max() <= 60


def test_a_part_whose_start_nobody_noted_is_found_by_its_sound() -> None:
    said = conversation(SEED, COUNT)
    cut_s, gap_s = (said[19].end_s + said[20].start_s) / 2, 4.2
    n = sound(SEED, COUNT).shape[1]
    cut, us = round(48_000 * cut_s), round(1e6 * cut_s)
    end_us = n * 1_000_000 // RATE
    timeline = Timeline(
        [
            Span("recorded", "a", "", 0, cut, 0, us, 0, us),
            Span("recorded", "b", "", cut, 3 * n, 0, end_us - us, us, end_us),
        ]
    )
    log = logged(said, SEED)
    late = [*log[:20], *shifted(log[20:], round(1e6 * gap_s))]  # the session went on between the parts
    result = aligned(late, timeline=timeline)
    assert np.abs(errors_ms(placed(result), said)).max() <= 60
    offsets = [part.offset_ms for part in result.parts]
    assert offsets[0] == pytest.approx(0, abs=250)
    assert offsets[1] == pytest.approx(-1000 * gap_s, abs=250)


def test_time_lost_without_a_trace_is_followed() -> None:
    said = conversation(SEED, COUNT)
    steps = {10: 0.3, 17: 0.25, 25: 0.35, 33: 0.3}  # before these, the browser lost that much sound
    log, lost = [], 0.0
    for k, one in enumerate(logged(said, SEED)):
        lost += steps.get(k, 0.0)
        log += shifted([one], round(1e6 * lost))
    result = aligned(log)
    assert np.abs(errors_ms(placed(result), said)).max() <= 60


def test_drift_is_told_only_where_it_can_be_known() -> None:
    assert aligned(logged(conversation(SEED, COUNT), SEED, ppm=150)).parts[0].drift_ppm is None
    said = conversation(11, 260)
    found = activity(11, 260)
    result = align(logged(said, 11, ppm=-400), one_part(found.duration_ms * RATE // 1000), found, ROLES)
    assert result.parts[0].drift_ppm == pytest.approx(400, abs=60)


# -- bad input is normal input


@pytest.mark.parametrize("length", [0, 10, 700, 16_000])
def test_recordings_too_short_to_hold_anything(length: int) -> None:
    found = measured(np.zeros((2, length), np.float32))
    log = logged(conversation(SEED, 3), SEED)
    for spans in (one_part(length), Timeline([])):
        result = align(log, spans, found, ROLES)
        assert [p.start_samples for p in result.placements] == [None] * 3


def test_no_utterances_at_all() -> None:
    result = aligned([])
    assert (result.placements, result.parts[0].offset_ms) == ((), None)


@pytest.mark.parametrize(
    "times",
    [
        [(5.0, 6.0)] * 300,
        [(1e12, 1e12 + 1)] * 20,
        [(-1e12, None)] * 20,
        [(k * 1e9, None) for k in range(20)],
        [(None, None)] * 50,
        [(None, 4.0)] * 50,
    ],
)
def test_absurd_logs_end_soon_and_place_little(times: list[tuple[float | None, float | None]]) -> None:
    us = [(None if a is None else round(a * 1e6), None if b is None else round(b * 1e6)) for a, b in times]
    log = [Utterance(f"x{k}", ROLES[k % 2], "we could send it on friday", *t) for k, t in enumerate(us)]
    begun = time.process_time()
    result = aligned(log)
    assert time.process_time() - begun < 20
    for role in ROLES:
        places = [p for p in result.placements if p.utterance.role == role and p.start_samples is not None]
        assert len({p.start_samples for p in places}) == len(places), "no sound is given twice"


def test_a_thousand_utterances_an_hour_take_time_in_proportion() -> None:
    took = []
    for count in (100, 400):
        found, log = activity(21, count), logged(conversation(21, count), 21)
        begun = time.process_time()
        result = align(log, one_part(found.duration_ms * RATE // 1000), found, ROLES)
        took.append(time.process_time() - begun)
        assert sum(p.start_samples is not None for p in result.placements) == count
    assert took[1] < 12 * took[0]
