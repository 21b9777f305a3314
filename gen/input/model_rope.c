/* model_rope: how fast rotary positions turn. What kernels of the host compute when they run (templates/host/rotate.tmpl.h)
 * is computed here for GPUs, where powers in double take long. */
#include "input/model.h"

#include <math.h>

/* The pair that turns so many times within the positions of training, as a real number. */
static double pair_of(const Model *model, double turns) {
    const double radians = turns * 2 * acos(-1);
    return (double)model->rope_dim * log((double)model->rope_scaling.original_positions / radians) /
           (2 * log(model->rope_theta));
}

/* Of a pair's frequency the part that YaRN divides by its factor: pairs that turn often keep theirs, slow ones are
 * slowed in full. */
static double slowed(const Model *model, int64_t pair) {
    const RopeScaling *scaling = &model->rope_scaling;
    double first = fmax(floor(pair_of(model, scaling->beta_fast)), 0);
    double last = fmin(ceil(pair_of(model, scaling->beta_slow)), (double)model->rope_dim - 1);
    double span = last > first ? last - first : 0.001;
    return fmin(fmax(((double)pair - first) / span, 0), 1);
}

double model_rope_frequency(const Model *model, int64_t pair) {
    const RopeScaling *scaling = &model->rope_scaling;
    double plain = pow(model->rope_theta, -2.0 * (double)pair / (double)model->rope_dim);
    if (scaling->kind == ROPE_LINEAR)
        return plain / scaling->factor;
    if (scaling->kind == ROPE_YARN)
        return plain * (1 - slowed(model, pair) + slowed(model, pair) / scaling->factor);
    return plain;
}
