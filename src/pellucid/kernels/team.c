/* The threads that help: they sleep between runs, and whoever wakes late finds less to do. */

#include <pthread.h>
#include <sched.h>
#include <stddef.h>

#include "kernels.h"

#define MOST_HELPERS 63

static pthread_mutex_t one_run = PTHREAD_MUTEX_INITIALIZER; /* held by the run that has the helpers */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;    /* guards what follows */
static pthread_cond_t posted = PTHREAD_COND_INITIALIZER;
static void (*posted_work)(void *);
static void *posted_job; /* NULL while there is none */
static int places;       /* how many helpers may still take part */
static unsigned number;  /* of the job, so that nobody takes part twice */
static int helpers;
static atomic_int taking_part;

static void *help(void *unused) {
    (void)unused;
    unsigned last = 0;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (posted_job == NULL || number == last || places == 0) pthread_cond_wait(&posted, &lock);
        void (*work)(void *) = posted_work;
        void *job = posted_job;
        last = number;
        places--;
        atomic_fetch_add(&taking_part, 1);
        pthread_mutex_unlock(&lock);
        work(job);
        atomic_fetch_sub(&taking_part, 1);
        pthread_mutex_lock(&lock);
    }
    return NULL;
}

/* In a forked process there are no helpers, and nobody holds the locks. */
static void forget_helpers(void) {
    pthread_mutex_init(&one_run, NULL);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&posted, NULL);
    posted_job = NULL;
    helpers = 0;
    atomic_store(&taking_part, 0);
}

static void have_helpers(int wanted) {
    static int watches_forks;
    if (!watches_forks) watches_forks = !pthread_atfork(NULL, NULL, forget_helpers);
    while (helpers < wanted && helpers < MOST_HELPERS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, help, NULL)) break; /* fewer will do */
        pthread_detach(thread);
        helpers++;
    }
}

void with_helpers(void (*work)(void *), void *job, int threads) {
    /* A run that comes while another has the helpers is computed by its own thread alone. */
    if (threads < 2 || pthread_mutex_trylock(&one_run)) {
        work(job);
        return;
    }
    pthread_mutex_lock(&lock);
    have_helpers(threads - 1);
    posted_work = work;
    posted_job = job;
    places = threads - 1;
    number++;
    pthread_cond_broadcast(&posted);
    pthread_mutex_unlock(&lock);
    work(job);
    pthread_mutex_lock(&lock);
    posted_job = NULL;
    pthread_mutex_unlock(&lock);
    while (atomic_load(&taking_part)) sched_yield();
    pthread_mutex_unlock(&one_run);
}
