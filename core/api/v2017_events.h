/*
 * api/v2017_events.h - the Events API of 2017 (chapter 15) as a face of the flow: the header
 * `Event` names the event, functions are invoked by their ids, answers are raw, errors are plain
 * text. Backed by the space `default`.
 */
#ifndef GW_API_V2017_EVENTS_H
#define GW_API_V2017_EVENTS_H

#include "flow/face.h"

/* It serves the space GW_DEFAULT_SPACE, which the publisher has to index
 * (gw_publisher_index_space). */
extern const struct gw_face gw_face_v2017;

#endif
